; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: a module is described once, by a constructor that runs before all others; a
; module without functions is left alone.
; RUN: split-file %s %t
; RUN: env FENCEPOST_PASS_OPTIONS=noted %opt -passes=fencepost -S %t/some.ll | FileCheck -DLLVM=%llvm %s
; RUN: %opt -passes=fencepost -S %t/none.ll | FileCheck --check-prefix=NONE %s

;--- some.ll
source_filename = "some.c"
; CHECK-DAG: c"some.c\00"
; CHECK-DAG: c"noted\00"
; ABI version, LLVM, source, options, stores, loads, flushes, fences, unknown, functions.
; CHECK-DAG: @fencepost.module = internal constant { {{.*}} } { i32 {{[0-9]+}}, i32 [[LLVM]], ptr @{{.*}}, ptr @{{.*}}, i32 2, i32 1, i32 0, i32 1, i32 0, i32 1, ptr @{{.*}} }
; CHECK-DAG: @llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 0, ptr @fencepost.module_ctor, ptr null }]
; CHECK: define internal void @fencepost.module_ctor()
; CHECK: call void @__fencepost_module(ptr @fencepost.module)
define i64 @f(ptr %p, ptr %q) {
  %v = load i64, ptr %p
  store i64 %v, ptr %q
  %old = atomicrmw add ptr %p, i64 1 seq_cst
  ret i64 %v
}

;--- none.ll
@data = global i64 1
declare void @f()
; NONE-NOT: fencepost
