; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Stores of values whose type is a pointer, or that were made of one, say so: flag 16;
; null is none. In a group each store keeps its own flags.
;
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

; CHECK-LABEL: define void @plain
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 16)
define void @plain(ptr %p, ptr %value) {
  store ptr %value, ptr %p
  ret void
}

; CHECK-LABEL: define void @null
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 0)
define void @null(ptr %p) {
  store ptr null, ptr %p
  ret void
}

; CHECK-LABEL: define void @integer
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 16)
define void @integer(ptr %p, ptr %value) {
  %i = ptrtoint ptr %value to i64
  store i64 %i, ptr %p
  ret void
}

; CHECK-LABEL: define void @group
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 0)
; CHECK: call {{.*}}@__fencepost_store({{.*}}, i64 8, i32 16)
define void @group(ptr %p, i64 %number, ptr %value) {
  store i64 %number, ptr %p
  %q = getelementptr i8, ptr %p, i64 8
  store ptr %value, ptr %q
  ret void
}

; CHECK-LABEL: define ptr @atomic
; CHECK: call {{.*}}@__fencepost_atomic_begin(ptr %p, i64 8, i32 7)
; CHECK: call {{.*}}@__fencepost_atomic_begin(ptr %p, i64 8, i32 4)
define ptr @atomic(ptr %p, ptr %value) {
  %old = atomicrmw xchg ptr %p, ptr %value seq_cst
  store atomic ptr %value, ptr %p release, align 8
  ret ptr %old
}
