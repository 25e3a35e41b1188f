; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: in the version for recovery, loads of one block are reported together
; before the first, as long as nothing between them writes memory and their addresses
; are known there; adjacent ones by one hook, and none twice.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

declare void @anything()

; The computation of the second address moves in front of the first load.
; CHECK-LABEL: define internal i64 @together.fencepost(
; CHECK: getelementptr i8, ptr %p, i64 %index
; CHECK: call {{.*}}@__fencepost_load(ptr %p, i64 8)
; CHECK-NEXT: call {{.*}}@__fencepost_load(ptr %q, i64 4)
; CHECK-NOT: br i1
; CHECK: load i64, ptr %p
; CHECK: load i32, ptr %q
define i64 @together(ptr %p, i64 %index) {
  %first = load i64, ptr %p
  %q = getelementptr i8, ptr %p, i64 %index
  %second = load i32, ptr %q
  %wide = zext i32 %second to i64
  %sum = add i64 %first, %wide
  ret i64 %sum
}

; CHECK-LABEL: define internal i64 @adjacent.fencepost(
; CHECK: call {{.*}}@__fencepost_load(ptr %p, i64 16)
; CHECK-NEXT: [[GAP:%.*]] = getelementptr i8, ptr %p, i64 24
; CHECK-NEXT: call {{.*}}@__fencepost_load(ptr [[GAP]], i64 8)
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK: ret
define i64 @adjacent(ptr %p) {
  %first = load i64, ptr %p
  %q = getelementptr i8, ptr %p, i64 8
  %second = load i64, ptr %q
  %r = getelementptr i8, ptr %p, i64 24
  %third = load i64, ptr %r
  %a = add i64 %first, %second
  %b = add i64 %a, %third
  ret i64 %b
}

; CHECK-LABEL: define internal i64 @again.fencepost(
; CHECK: call {{.*}}@__fencepost_load(ptr %p, i64 8)
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK: next:
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK: call void @anything()
; CHECK-NEXT: call {{.*}}@__fencepost_load(ptr %p, i64 4)
define i64 @again(ptr %p, i1 %which) {
  %first = load i64, ptr %p
  br i1 %which, label %next, label %out

next:
  %second = load i32, ptr %p
  call void @anything()
  %third = load i32, ptr %p
  br label %out

out:
  ret i64 %first
}

; CHECK-LABEL: define internal i64 @address_depends.fencepost(
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

; CHECK-LABEL: define internal i64 @store_between.fencepost(
; CHECK: call {{.*}}@__fencepost_load(ptr %p, i64 8)
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK: store i64 1, ptr %q
; CHECK: call {{.*}}@__fencepost_store(ptr %q, i64 8, i32 0)
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

; CHECK-LABEL: define internal i64 @call_between.fencepost(
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
