; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: functions that the pass leaves alone, and kinds that it must not break.
; RUN: %opt -passes=fencepost,verify -S %s | FileCheck %s

declare void @callee(ptr)

; CHECK-LABEL: define void @ignored(
; CHECK-NOT: @__fencepost
; CHECK: ret void
define void @ignored(ptr %p) disable_sanitizer_instrumentation {
  store i64 1, ptr %p
  ret void
}

; CHECK-LABEL: define void @naked(
; CHECK-NOT: @__fencepost
; CHECK: unreachable
define void @naked() naked {
  call void asm sideeffect "ret", ""()
  unreachable
}

; CHECK-LABEL: define void @optnone(
; CHECK: call {{.*}}@__fencepost_store(
define void @optnone(ptr %p) noinline optnone {
  store i64 1, ptr %p
  ret void
}

; Nothing may stand between the call and the return.
; CHECK-LABEL: define void @jump(
; CHECK: call {{.*}}@__fencepost_store(
; CHECK: musttail call void @callee(ptr %p)
; CHECK-NEXT: ret void
define void @jump(ptr %p) {
  store i64 1, ptr %p
  musttail call void @callee(ptr %p)
  ret void
}

; What was inferred without hooks does not hold with them.
; CHECK-LABEL: define void @inferred(ptr %p)
; CHECK-SAME: [[ATTRIBUTES:#[0-9]+]]
; CHECK-NOT: memory(
; CHECK: attributes [[ATTRIBUTES]] = { nounwind "fencepost" }
define void @inferred(ptr writeonly %p) nounwind nosync willreturn memory(argmem: write) {
  store i64 1, ptr %p
  ret void
}
