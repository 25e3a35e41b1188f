; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: the flush and fence intrinsics, each its own kind; lfence is none.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

declare void @llvm.x86.sse2.clflush(ptr)
declare void @llvm.x86.clflushopt(ptr)
declare void @llvm.x86.clwb(ptr)
declare void @llvm.x86.sse.sfence()
declare void @llvm.x86.sse2.mfence()
declare void @llvm.x86.sse2.lfence()

; CHECK-LABEL: define void @all(
; CHECK: call {{.*}}@__fencepost_flush(ptr %p, i32 0)
; CHECK: call void @llvm.x86.sse2.clflush
; CHECK: call {{.*}}@__fencepost_flush(ptr %p, i32 1)
; CHECK: call void @llvm.x86.clflushopt
; CHECK: call {{.*}}@__fencepost_flush(ptr %p, i32 2)
; CHECK: call void @llvm.x86.clwb
; CHECK: call {{.*}}@__fencepost_fence(i32 0)
; CHECK: call void @llvm.x86.sse.sfence
; CHECK: call {{.*}}@__fencepost_fence(i32 1)
; CHECK: call void @llvm.x86.sse2.mfence
; CHECK-NOT: @__fencepost
; CHECK: ret void
define void @all(ptr %p) {
  call void @llvm.x86.sse2.clflush(ptr %p)
  call void @llvm.x86.clflushopt(ptr %p)
  call void @llvm.x86.clwb(ptr %p)
  call void @llvm.x86.sse.sfence()
  call void @llvm.x86.sse2.mfence()
  call void @llvm.x86.sse2.lfence()
  ret void
}
