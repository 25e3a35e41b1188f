; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: memory intrinsics report what they read before and what they wrote after,
; with constant and variable lengths, inline and atomic forms.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memmove.p0.p0.i32(ptr, ptr, i32, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memset.inline.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.element.unordered.atomic.p0.p0.i64(ptr, ptr, i64, i32)

; CHECK-LABEL: define void @sets(
; CHECK: call void @llvm.memset.p0.i64
; CHECK: call {{.*}}@__fencepost_store(ptr %to, i64 %size, i32 0)
; CHECK: call void @llvm.memset.inline
; CHECK: call {{.*}}@__fencepost_store(ptr %to, i64 24, i32 0)
define void @sets(ptr %to, i64 %size) {
  call void @llvm.memset.p0.i64(ptr %to, i8 0, i64 %size, i1 false)
  call void @llvm.memset.inline.p0.i64(ptr %to, i8 0, i64 24, i1 false)
  ret void
}

; CHECK: define internal void @copies.fencepost(
; CHECK: call {{.*}}@__fencepost_load(ptr %from, i64 %size)
; CHECK: call void @llvm.memcpy.p0
; CHECK: call {{.*}}@__fencepost_store(ptr %to, i64 %size, i32 32)
; CHECK: [[WIDE:%.*]] = zext i32 %small to i64
; CHECK: call {{.*}}@__fencepost_load(ptr %from, i64 [[WIDE]])
; CHECK: call void @llvm.memmove
; CHECK: call {{.*}}@__fencepost_store(
; CHECK: call void @llvm.memcpy.element
; CHECK: call {{.*}}@__fencepost_store(ptr %to, i64 16, i32 0)
define void @copies(ptr %to, ptr %from, i64 %size, i32 %small) {
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %size, i1 false)
  call void @llvm.memmove.p0.p0.i32(ptr %to, ptr %from, i32 %small, i1 false)
  call void @llvm.memcpy.element.unordered.atomic.p0.p0.i64(ptr align 8 %to, ptr align 8 %from, i64 16, i32 8)
  ret void
}
