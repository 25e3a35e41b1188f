; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: a store is followed by the inlined check and, behind it, the hook; the
; hook is off the hot path.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

; CHECK: @__fencepost_state = external global

; CHECK-LABEL: define void @scalar(
; CHECK: store i32 %value, ptr %p
; CHECK: [[BASE:%.*]] = load i64, ptr @__fencepost_state, {{.*}}!nosanitize
; CHECK: [[DISTANCE:%.*]] = sub i64 {{.*}}, [[BASE]]
; CHECK: [[SIZE:%.*]] = load i64, ptr getelementptr {{.*}}(i8, ptr @__fencepost_state, i64 8)
; CHECK: [[IN:%.*]] = icmp ult i64 [[DISTANCE]], [[SIZE]]
; CHECK: br i1 [[IN]], label %[[COLD:[a-z0-9.]+]], label %{{.*}}, !prof [[UNLIKELY:![0-9]+]]
; CHECK: [[COLD]]:
; CHECK: call preserve_mostcc void @__fencepost_store(ptr %p, i64 4, i32 0)
define void @scalar(ptr %p, i32 %value) {
  store i32 %value, ptr %p
  ret void
}

; Volatile stores are what programs used before there were atomics.
; CHECK-LABEL: define void @volatile_store(
; CHECK: store volatile i64 1, ptr %p
; CHECK: call preserve_mostcc void @__fencepost_store(ptr %p, i64 8, i32 4)
define void @volatile_store(ptr %p) {
  store volatile i64 1, ptr %p
  ret void
}

; CHECK-LABEL: define void @nontemporal(
; CHECK: call preserve_mostcc void @__fencepost_store(ptr %p, i64 16, i32 1)
define void @nontemporal(ptr %p, <4 x i32> %value) {
  store <4 x i32> %value, ptr %p, align 16, !nontemporal !0
  ret void
}

; CHECK: [[UNLIKELY]] = !{!"branch_weights", {{.*}}i32 1, i32 {{[0-9]+}}}
!0 = !{i32 1}
