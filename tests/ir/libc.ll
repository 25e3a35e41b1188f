; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: calls and addresses of libc's functions go to the runtime, but only of
; what is libc's: declared, with libc's prototype.
; RUN: split-file %s %t
; RUN: %opt -passes=fencepost -S %t/uses.ll | FileCheck %s
; RUN: %opt -passes=fencepost -S %t/own.ll | FileCheck --check-prefix=OWN %s

;--- uses.ll
@pointer = global ptr @memcmp
; CHECK: @pointer = global ptr @__fencepost_libc_memcmp
declare ptr @strcpy(ptr, ptr)
declare i32 @memcmp(ptr, ptr, i64)
declare i32 @snprintf(ptr, i64, ptr, ...)

; CHECK-LABEL: define void @uses(
; CHECK: call ptr @__fencepost_libc_strcpy(ptr %p, ptr %q)
; CHECK: call i32 (ptr, i64, ptr, ...) @__fencepost_libc_snprintf(ptr %p, i64 8, ptr %q, i32 1)
define void @uses(ptr %p, ptr %q) {
  %a = call ptr @strcpy(ptr %p, ptr %q)
  %b = call i32 (ptr, i64, ptr, ...) @snprintf(ptr %p, i64 8, ptr %q, i32 1)
  ret void
}

; CHECK-LABEL: define void @opted_out(
; CHECK: call ptr @strcpy(
define void @opted_out(ptr %p, ptr %q) disable_sanitizer_instrumentation {
  %a = call ptr @strcpy(ptr %p, ptr %q)
  ret void
}

;--- own.ll
declare i32 @strlen(i32)
define ptr @strcpy(ptr %p, ptr %q) {
  ret ptr %p
}
; OWN-NOT: @__fencepost_libc
; OWN-LABEL: define void @uses(
; OWN: call ptr @strcpy(
; OWN: call i32 @strlen(
define void @uses(ptr %p, ptr %q) {
  %a = call ptr @strcpy(ptr %p, ptr %q)
  %b = call i32 @strlen(i32 1)
  ret void
}
