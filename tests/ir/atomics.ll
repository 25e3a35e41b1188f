; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: atomic stores and RMW are bracketed in PM, and a fence elsewhere if the
; instruction is locked (rule F7); a failed exchange stores nothing.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

; CHECK-LABEL: define void @seq_cst(
; CHECK: [[IN:%.*]] = icmp ult
; CHECK: br i1 [[IN]], label %[[BEGIN:[0-9]+]], label %[[FENCE:[0-9]+]]
; CHECK: [[BEGIN]]:
; CHECK-NEXT: call {{.*}}@__fencepost_atomic_begin(ptr %p, i64 8, i32 1)
; CHECK: [[FENCE]]:
; CHECK-NEXT: call {{.*}}@__fencepost_fence(i32 2)
; CHECK: store atomic i64 1, ptr %p seq_cst
; CHECK: br i1 [[IN]]
; CHECK: call {{.*}}@__fencepost_atomic_end(ptr %p, i64 8, i32 1)
define void @seq_cst(ptr %p) {
  store atomic i64 1, ptr %p seq_cst, align 8
  ret void
}

; CHECK-LABEL: define void @release(
; CHECK: call {{.*}}@__fencepost_atomic_begin(ptr %p, i64 4, i32 0)
; CHECK-NOT: @__fencepost_fence
; CHECK: store atomic
; CHECK: call {{.*}}@__fencepost_atomic_end(ptr %p, i64 4, i32 1)
define void @release(ptr %p) {
  store atomic i32 1, ptr %p release, align 4
  ret void
}

; CHECK-LABEL: define i64 @add(
; CHECK: call {{.*}}@__fencepost_atomic_begin(ptr %p, i64 8, i32 3)
; CHECK: atomicrmw add
; CHECK: call {{.*}}@__fencepost_atomic_end(ptr %p, i64 8, i32 1)
define i64 @add(ptr %p) {
  %old = atomicrmw add ptr %p, i64 1 monotonic
  ret i64 %old
}

; CHECK-LABEL: define i1 @exchange16(
; CHECK: call {{.*}}@__fencepost_atomic_begin(ptr %p, i64 16, i32 3)
; CHECK: [[PAIR:%.*]] = cmpxchg
; CHECK: [[DONE:%.*]] = extractvalue { i128, i1 } [[PAIR]], 1
; CHECK: [[STORED:%.*]] = zext i1 [[DONE]] to i32
; CHECK: call {{.*}}@__fencepost_atomic_end(ptr %p, i64 16, i32 [[STORED]])
define i1 @exchange16(ptr %p, i128 %a, i128 %b) {
  %pair = cmpxchg ptr %p, i128 %a, i128 %b seq_cst seq_cst
  %done = extractvalue { i128, i1 } %pair, 1
  ret i1 %done
}

; Adding nothing becomes a fence and a load.
; CHECK-LABEL: define i64 @nothing(
; CHECK: call {{.*}}@__fencepost_fence(i32 2)
; CHECK-NOT: @__fencepost_atomic
; CHECK: }
define i64 @nothing(ptr %p) {
  %old = atomicrmw add ptr %p, i64 0 seq_cst
  ret i64 %old
}

; On the stack it is still a fence.
; CHECK-LABEL: define void @on_stack(
; CHECK: call {{.*}}@__fencepost_fence(i32 2)
; CHECK-NOT: @__fencepost_atomic
; CHECK: }
define void @on_stack() {
  %p = alloca i64
  store atomic i64 1, ptr %p seq_cst, align 8
  ret void
}

; CHECK-LABEL: define void @fences(
; CHECK-NOT: @__fencepost_fence
; CHECK: fence release
; CHECK: fence syncscope("singlethread") seq_cst
; CHECK: load i64, ptr getelementptr {{.*}}(i8, ptr @__fencepost_state, i64 8)
; CHECK: call {{.*}}@__fencepost_fence(i32 2)
; CHECK: fence seq_cst
; CHECK-NOT: @__fencepost_fence
; CHECK: }
define void @fences() {
  fence release
  fence acq_rel
  fence syncscope("singlethread") seq_cst
  fence seq_cst
  ret void
}
