; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: stores of every width are reported with the bytes that memory gets.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

; CHECK-LABEL: define void @widths(
; CHECK: call {{.*}}@__fencepost_store(ptr %a, i64 1, i32 0)
; CHECK: call {{.*}}@__fencepost_store(ptr %b, i64 10, i32 0)
; CHECK: call {{.*}}@__fencepost_store(ptr %c, i64 16, i32 0)
; CHECK: call {{.*}}@__fencepost_store(ptr %d, i64 32, i32 0)
; CHECK: call {{.*}}@__fencepost_store(ptr %e, i64 64, i32 1)
define void @widths(ptr %a, ptr %b, ptr %c, ptr %d, ptr %e, i1 %v, x86_fp80 %x, <4 x i32> %y, <4 x i64> %z, <8 x i64> %w) {
  store i1 %v, ptr %a
  store x86_fp80 %x, ptr %b
  store <4 x i32> %y, ptr %c
  store <4 x i64> %z, ptr %d
  store <8 x i64> %w, ptr %e, align 64, !nontemporal !0
  ret void
}

!0 = !{i32 1}
