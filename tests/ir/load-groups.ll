; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: loads of one block are reported together before the first, as long as
; nothing between them writes memory and their addresses are known there.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

declare void @anything()

; The computation of the second address moves in front of the first load.
; CHECK-LABEL: define i64 @together(
; CHECK: load i8, ptr getelementptr {{.*}}@__fencepost_state
; CHECK: getelementptr i8, ptr %p, i64 %index
; CHECK: br i1
; CHECK: call {{.*}}@__fencepost_load(ptr %p, i64 8)
; CHECK-NEXT: call {{.*}}@__fencepost_load(ptr %q, i64 4)
; CHECK-NOT: br i1
; CHECK: load i64, ptr %p
; CHECK-NOT: br i1
; CHECK: load i32, ptr %q
define i64 @together(ptr %p, i64 %index) {
  %first = load i64, ptr %p
  %q = getelementptr i8, ptr %p, i64 %index
  %second = load i32, ptr %q
  %wide = zext i32 %second to i64
  %sum = add i64 %first, %wide
  ret i64 %sum
}

; CHECK-LABEL: define i64 @address_depends(
; CHECK: call {{.*}}@__fencepost_load(ptr %p, i64 8)
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK: %next = load ptr, ptr %p
; CHECK: call {{.*}}@__fencepost_load(ptr %next, i64 8)
; CHECK: load i64, ptr %next
define i64 @address_depends(ptr %p) {
  %next = load ptr, ptr %p
  %value = load i64, ptr %next
  ret i64 %value
}

; CHECK-LABEL: define i64 @store_between(
; CHECK: call {{.*}}@__fencepost_load(ptr %p, i64 8)
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK: store i64 1, ptr %q
; CHECK: call {{.*}}@__fencepost_load(ptr %q, i64 8)
define i64 @store_between(ptr %p, ptr %q) {
  %first = load i64, ptr %p
  store i64 1, ptr %q
  %second = load i64, ptr %q
  %sum = add i64 %first, %second
  ret i64 %sum
}

; The callee has hooks, so the call is no event; it may write all the same.
define internal void @local(ptr %p) noinline {
  store i64 1, ptr %p
  ret void
}

; CHECK-LABEL: define i64 @call_between(
; CHECK: call {{.*}}@__fencepost_load(ptr %p, i64 8)
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK: call void @local(ptr %q)
; CHECK: call {{.*}}@__fencepost_load(ptr %q, i64 8)
define i64 @call_between(ptr %p, ptr %q) {
  %first = load i64, ptr %p
  call void @local(ptr %q)
  %second = load i64, ptr %q
  %sum = add i64 %first, %second
  ret i64 %sum
}

; A look at the state per call of a function is enough.
; CHECK-LABEL: define void @one_look(
; CHECK: load i8, ptr getelementptr {{.*}}@__fencepost_state
; CHECK-NOT: load i8, ptr getelementptr {{.*}}@__fencepost_state
; CHECK: ret
define void @one_look(ptr %p) {
  %first = load volatile i64, ptr %p
  call void @anything()
  %second = load volatile i64, ptr %p
  ret void
}
