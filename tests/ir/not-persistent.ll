; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: what no run can make persistent has no hooks: variables on the stack and
; globals whose address nobody is handed, also if they are volatile, constants, other
; address spaces, errno, accesses of sanitizers. A handed-out address counts.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

@private = internal global i64 0
@handed = internal global i64 0
@table = constant i64 7

declare void @take(ptr)
declare ptr @__errno_location()
declare void @llvm.lifetime.start.p0(i64, ptr)

; CHECK-LABEL: define i64 @none(
; CHECK-NOT: call {{.*}}@__fencepost_store
; CHECK-NOT: call {{.*}}@__fencepost_{{load|sync}}
; CHECK: ret i64 %c
define i64 @none(i64 %v, ptr %shadow) {
  %local = alloca i64
  store i64 %v, ptr %local
  store i64 %v, ptr @private
  store i64 %v, ptr addrspace(257) null
  store i64 %v, ptr %shadow, !nosanitize !0
  %a = load i64, ptr @table
  %kept = alloca i64
  call void @llvm.lifetime.start.p0(i64 8, ptr %kept)
  store volatile i64 %v, ptr %kept
  %b = load volatile i64, ptr %kept
  %errno = call ptr @__errno_location()
  store i32 1, ptr %errno
  %error = load i32, ptr %errno
  %c = add i64 %a, %b
  ret i64 %c
}

; CHECK-LABEL: define void @some(
; CHECK: call {{.*}}@__fencepost_store(ptr %local, i64 8, i32 0)
; CHECK: call {{.*}}@__fencepost_store(ptr @handed, i64 8, i32 0)
define void @some(i64 %v) {
  %local = alloca i64
  call void @take(ptr %local)
  call void @take(ptr @handed)
  store i64 %v, ptr %local
  store i64 %v, ptr @handed
  ret void
}

!0 = !{}
