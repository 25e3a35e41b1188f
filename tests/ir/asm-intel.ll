; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: the same in Intel's dialect, as rustc writes it.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

; CHECK-LABEL: define void @all(
; CHECK: call {{.*}}@__fencepost_flush(ptr %p, i32 2)
; CHECK: call {{.*}}@__fencepost_fence(i32 0)
; CHECK: getelementptr i8, ptr %p, i64 64
; CHECK: icmp
; CHECK: [[AT:%.*]] = getelementptr i8, ptr %p, i64 64
; CHECK-NEXT: call {{.*}}@__fencepost_flush(ptr [[AT]], i32 0)
; CHECK: call {{.*}}@__fencepost_store(ptr {{.*}}, i64 8, i32 4)
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 4, i32 5)
; CHECK: call {{.*}}@__fencepost_atomic_begin(ptr %p, i64 8, i32 3)
define void @all(ptr %p, i64 %v, i32 %w) {
  call void asm sideeffect inteldialect "clwb [$0]", "r,~{memory}"(ptr %p)
  call void asm sideeffect inteldialect "sfence", "~{memory}"()
  call void asm sideeffect inteldialect "clflush byte ptr [${0:r} + 0x40]", "r,~{memory}"(ptr %p)
  call void asm sideeffect inteldialect "mov qword ptr [$0 - 8], $1", "r,r,~{memory}"(ptr %p, i64 %v)
  call void asm sideeffect inteldialect "movnti [${0:r}], ${1:e}", "r,r,~{memory}"(ptr %p, i32 %w)
  call void asm sideeffect inteldialect "lock xadd qword ptr [$0], $1", "r,r,~{memory}"(ptr %p, i64 %v)
  ret void
}
