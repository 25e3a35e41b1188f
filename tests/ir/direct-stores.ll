; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: movdiri and movdir64b, of which only the second is whole (rule S5).
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

declare void @llvm.x86.directstore32(ptr, i32)
declare void @llvm.x86.directstore64(ptr, i64)
declare void @llvm.x86.movdir64b(ptr, ptr)

; CHECK-LABEL: define void @direct(
; CHECK: call void @llvm.x86.directstore32
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 4, i32 5)
; CHECK: call void @llvm.x86.directstore64
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 5)
define void @direct(ptr %p) {
  call void @llvm.x86.directstore32(ptr %p, i32 1)
  call void @llvm.x86.directstore64(ptr %p, i64 1)
  ret void
}

; CHECK: define internal void @line.fencepost(
; CHECK: call {{.*}}@__fencepost_load(ptr %from, i64 64)
; CHECK: call void @llvm.x86.movdir64b
; CHECK: call {{.*}}@__fencepost_store(ptr %to, i64 64, i32 3)
define void @line(ptr %to, ptr %from) {
  call void @llvm.x86.movdir64b(ptr %to, ptr %from)
  ret void
}
