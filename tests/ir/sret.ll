; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: what a function stores through its sret pointer is a store like any other,
; for the caller may pass an address in PM; so is one to a byval argument, for a stack
; may be declared persistent.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

%struct.pair = type { i64, i64 }

; CHECK-LABEL: define void @make(
; CHECK: store i64 1, ptr %result
; CHECK: call {{.*}}@__fencepost_store(ptr %result, i64 8, i32 0)
define void @make(ptr noalias sret(%struct.pair) %result) {
  store i64 1, ptr %result
  ret void
}

; CHECK-LABEL: define void @take(
; CHECK: store i64 1, ptr %copy
; CHECK: call {{.*}}@__fencepost_store(ptr %copy, i64 8, i32 0)
define void @take(ptr byval(%struct.pair) %copy) {
  store i64 1, ptr %copy
  ret void
}
