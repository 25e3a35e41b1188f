; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: stores near one address share a check, in the order of the program, each
; with its own hook; overlap, a call, a flush or another address ends the run.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

declare void @anything()
declare void @llvm.x86.clwb(ptr)

; CHECK-LABEL: define void @fields(
; CHECK: store i64 1, ptr %p
; CHECK: store i32 2, ptr %q
; CHECK-COUNT-1: icmp ult
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 0)
; CHECK-NEXT: [[Q:%.*]] = getelementptr i8, ptr %p, i64 8
; CHECK-NEXT: call {{.*}}@__fencepost_store(ptr [[Q]], i64 4, i32 0)
; CHECK-NOT: icmp
; CHECK: ret void
define void @fields(ptr %p) {
  store i64 1, ptr %p
  %q = getelementptr i8, ptr %p, i64 8
  store i32 2, ptr %q
  ret void
}

; A hook reads the value from memory, so it must come before the value is gone.
; CHECK-LABEL: define void @overwritten(
; CHECK: store i64 1, ptr %p
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 0)
; CHECK: store i32 2, ptr %p
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 4, i32 0)
define void @overwritten(ptr %p) {
  store i64 1, ptr %p
  store i32 2, ptr %p
  ret void
}

; CHECK-LABEL: define void @other_address(
; CHECK: store i64 1, ptr %p
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 0)
; CHECK: store i64 2, ptr %q
; CHECK: call {{.*}}@__fencepost_store(ptr %q, i64 8, i32 0)
define void @other_address(ptr %p, ptr %q) {
  store i64 1, ptr %p
  store i64 2, ptr %q
  ret void
}

; CHECK-LABEL: define void @before_call(
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 0)
; CHECK: call void @anything()
define void @before_call(ptr %p) {
  store i64 1, ptr %p
  call void @anything()
  ret void
}

; CHECK-LABEL: define void @before_flush(
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 0)
; CHECK: call {{.*}}@__fencepost_flush(ptr %p, i32 2)
; CHECK: call void @llvm.x86.clwb
; CHECK: store i64 2
; CHECK: call {{.*}}@__fencepost_store(
define void @before_flush(ptr %p) {
  store i64 1, ptr %p
  call void @llvm.x86.clwb(ptr %p)
  %q = getelementptr i8, ptr %p, i64 8
  store i64 2, ptr %q
  ret void
}

; CHECK-LABEL: define void @before_release(
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 0)
; CHECK: call {{.*}}@__fencepost_atomic_begin(
; CHECK: store atomic
define void @before_release(ptr %p) {
  store i64 1, ptr %p
  %q = getelementptr i8, ptr %p, i64 8
  store atomic i64 2, ptr %q release, align 8
  ret void
}

; CHECK-LABEL: define void @far(
; CHECK-COUNT-2: icmp ult
define void @far(ptr %p) {
  store i64 1, ptr %p
  %q = getelementptr i8, ptr %p, i64 4096
  store i64 2, ptr %q
  ret void
}
