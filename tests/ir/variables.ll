; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: recovery never reads undecided bytes from a variable, so loads of variables
; have no hook; stores to one that may have been declared PM do. Thread-local
; variables are never PM.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s
; RUN: %opt -passes=fencepost -S %s | FileCheck --check-prefix=COPY %s

@shared = external global i64
@local = external thread_local global i64

declare ptr @llvm.threadlocal.address.p0(ptr)
declare void @declare_pm(ptr)

; COPY-NOT: @load_{{global|stack}}.fencepost
; CHECK-LABEL: define i64 @load_global(
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK: ret
define i64 @load_global() {
  %value = load i64, ptr @shared
  ret i64 %value
}

; CHECK-LABEL: define i64 @load_stack(
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK: ret
define i64 @load_stack() {
  %object = alloca i64
  call void @declare_pm(ptr %object)
  %value = load i64, ptr %object
  ret i64 %value
}

; COPY: define internal i64 @load_anything.fencepost(
; COPY: call {{.*}}@__fencepost_load(ptr %p, i64 8)
define i64 @load_anything(ptr %p) {
  %value = load i64, ptr %p
  ret i64 %value
}

; CHECK-LABEL: define void @store_global(
; CHECK: call {{.*}}@__fencepost_store(ptr @shared, i64 8, i32 0)
define void @store_global(i64 %value) {
  store i64 %value, ptr @shared
  ret void
}

; CHECK-LABEL: define i64 @thread_local(
; CHECK-NOT: call {{.*}}@__fencepost_{{store|load}}
; CHECK: ret
define i64 @thread_local(i64 %value) {
  %address = call ptr @llvm.threadlocal.address.p0(ptr @local)
  %old = load i64, ptr %address
  store i64 %value, ptr %address
  ret i64 %old
}
