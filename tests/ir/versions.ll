; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: a function that loads gets a version for recovery and jumps there first;
; the ordinary version has no hooks for loads. What cannot have two versions guards
; each load. A function without loads has one version.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s
; RUN: %opt -passes=fencepost -S %s | FileCheck --check-prefix=COPY %s
; RUN: %opt -passes=fencepost -S %s | FileCheck --check-prefix=ONCE %s
; RUN: %opt -passes=fencepost,fencepost -S %s | FileCheck --check-prefix=ONCE %s

declare void @anything()

; CHECK-LABEL: define zeroext i16 @loads(
; CHECK: [[FLAG:%.*]] = load i8, ptr getelementptr {{.*}}(i8, ptr @__fencepost_state, i64 16), {{.*}}!nosanitize
; CHECK: icmp ne i8 [[FLAG]], 0
; CHECK: br i1 {{.*}}, !prof
; CHECK: [[RESULT:%.*]] = musttail call zeroext i16 @loads.fencepost(ptr %p)
; CHECK-NEXT: ret i16 [[RESULT]]
; CHECK-NOT: call {{.*}}@__fencepost_load
; CHECK-NOT: call {{.*}}@__fencepost_leave
; CHECK: }
; COPY-LABEL: define internal zeroext i16 @loads.fencepost(ptr %p)
; COPY-SAME: [[COPY:#[0-9]+]]
; COPY: call preserve_mostcc void @__fencepost_load(ptr %p, i64 2)
; COPY-NEXT: load i16, ptr %p
; COPY: call void @__fencepost_leave(
; COPY-NEXT: call void @anything()
; COPY-NEXT: call void @__fencepost_leave(
; COPY-NEXT: ret
; COPY-NOT: define {{.*}}@{{stores|variadic|jumps_by_table}}.fencepost
define zeroext i16 @loads(ptr %p) alwaysinline memory(read) {
  %value = load i16, ptr %p
  call void @anything()
  ret i16 %value
}

; CHECK-LABEL: define void @stores(
; CHECK-NOT: musttail
; CHECK-NOT: @__fencepost_leave
; CHECK: ret void
define void @stores(ptr %p) {
  store i64 1, ptr %p
  ret void
}

; CHECK-LABEL: define i64 @variadic(ptr %p, ...)
; CHECK: load i8, ptr getelementptr {{.*}}(i8, ptr @__fencepost_state, i64 16)
; CHECK: call preserve_mostcc void @__fencepost_load(ptr %p, i64 8)
; CHECK: load i64, ptr %p
define i64 @variadic(ptr %p, ...) {
  %value = load i64, ptr %p
  ret i64 %value
}

; CHECK-LABEL: define i64 @jumps_by_table(
; CHECK-NOT: musttail
; CHECK: call preserve_mostcc void @__fencepost_load(ptr %p, i64 8)
define i64 @jumps_by_table(ptr %p) {
  %where = load ptr, ptr %p
  indirectbr ptr %where, [label %a, label %b]
a:
  ret i64 1
b:
  ret i64 2
}

; What is defined here only to be inlined runs elsewhere, perhaps without hooks.
; CHECK-LABEL: define i64 @calls_elsewhere(
; CHECK: call {{.*}}@__fencepost_leave(
; CHECK: call void @only_to_inline()
define i64 @calls_elsewhere(ptr %p, ...) {
  %value = load i64, ptr %p
  call void @only_to_inline()
  ret i64 %value
}

define available_externally void @only_to_inline() {
  ret void
}

; COPY: attributes [[COPY]] = { noinline optnone {{.*}} }

; ONCE: define i64 @again(
; ONCE-COUNT-1: call {{.*}}@__fencepost_store(
; ONCE-NOT: call {{.*}}@__fencepost_store(
; ONCE: }
; ONCE-NOT: define {{.*}}@again.fencepost.fencepost
; ONCE-COUNT-1: define internal void @fencepost.module_ctor
; ONCE-NOT: define internal void @fencepost.module_ctor
define i64 @again(ptr %p) {
  %value = load i64, ptr %p
  store i64 1, ptr %p
  ret i64 %value
}
