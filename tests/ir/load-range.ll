; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: in a loop that calls nothing, the version that reports loads tests inline
; whether they are in the range that the runtime wants to know of, once for a group;
; what its address does not decide, and what stands elsewhere, goes to the hook.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

; CHECK-LABEL: define internal i64 @sum.fencepost(
; CHECK-NEXT: call {{.*}}@__fencepost_load(ptr %limit, i64 8)
; CHECK: loop:
; CHECK: [[BASE:%.*]] = load i64, ptr getelementptr {{.*}}(i8, ptr @__fencepost_state, i64 24), {{.*}}!nosanitize
; CHECK-NEXT: [[SIZE:%.*]] = load i64, ptr getelementptr {{.*}}(i8, ptr @__fencepost_state, i64 32), {{.*}}!nosanitize
; CHECK-NEXT: [[ADDRESS:%.*]] = ptrtoint ptr %at to i64
; CHECK-NEXT: [[DISTANCE:%.*]] = sub i64 [[ADDRESS]], [[BASE]]
; CHECK-NEXT: [[FIRST:%.*]] = icmp ult i64 [[DISTANCE]], [[SIZE]]
; CHECK: [[OTHER:%.*]] = ptrtoint ptr %other to i64
; CHECK-NEXT: [[BEHIND:%.*]] = sub i64 [[OTHER]], [[BASE]]
; CHECK-NEXT: [[SECOND:%.*]] = icmp ult i64 [[BEHIND]], [[SIZE]]
; CHECK-NEXT: [[ANY:%.*]] = or i1 [[FIRST]], [[SECOND]]
; CHECK-NEXT: br i1 [[ANY]], label %[[HOOKS:.*]], label %[[REST:[^,]*]], !prof
; CHECK: [[HOOKS]]:
; CHECK-NEXT: call {{.*}}@__fencepost_load(ptr %at, i64 8)
; CHECK-NEXT: call {{.*}}@__fencepost_load(ptr %other, i64 64)
; CHECK-NEXT: br label %[[REST]]
; CHECK: [[REST]]:
; CHECK-NEXT: load i64, ptr %at
define i64 @sum(ptr %limit, ptr %from, ptr %other) {
  %end = load i64, ptr %limit
  br label %loop

loop:
  %i = phi i64 [ 0, %0 ], [ %next, %loop ]
  %total = phi i64 [ 0, %0 ], [ %sum, %loop ]
  %at = getelementptr i64, ptr %from, i64 %i
  %value = load i64, ptr %at
  %wide = load <8 x i64>, ptr %other
  %lane = extractelement <8 x i64> %wide, i64 0
  %both = add i64 %value, %lane
  %sum = add i64 %total, %both
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %end
  br i1 %more, label %loop, label %out

out:
  ret i64 %sum
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; More bytes than the range begins early, or nobody knows how many.
; CHECK-LABEL: define internal void @blocks.fencepost(
; CHECK: loop:
; CHECK-NEXT: call {{.*}}@__fencepost_load(ptr %from, i64 65)
; CHECK: call {{.*}}@__fencepost_load(ptr %from, i64 %size)
; CHECK: br i1
define void @blocks(ptr %to, ptr %from, i64 %size, i1 %more) {
  br label %loop

loop:
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 65, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %size, i1 false)
  br i1 %more, label %loop, label %out

out:
  ret void
}

declare void @anything()
declare void @llvm.assume(i1)

; CHECK-LABEL: define internal i64 @calls.fencepost(
; CHECK-NOT: i64 24
; CHECK: call {{.*}}@__fencepost_load(ptr %at, i64 8)
; CHECK-NOT: i64 24
; CHECK: inner:
; CHECK: load i64, ptr getelementptr {{.*}}(i8, ptr @__fencepost_state, i64 24), {{.*}}!nosanitize
; CHECK: ret i64
define i64 @calls(ptr %at, ptr %other, i1 %more) {
  br label %outer

outer:
  %value = load i64, ptr %at
  call void @anything()
  br label %inner

inner:
  %word = load i64, ptr %other
  %some = icmp ne i64 %word, 0
  call void @llvm.assume(i1 %some)
  br i1 %more, label %inner, label %after

after:
  br i1 %more, label %outer, label %out

out:
  ret i64 %value
}
