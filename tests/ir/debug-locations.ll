; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: a hook has the place of its store; without one, the line of the function.
; Inlined frames stay.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

; CHECK-LABEL: define void @f(
; CHECK: call {{.*}}@__fencepost_store(ptr %p, {{.*}}!dbg [[FUNCTION:![0-9]+]]
; CHECK: call {{.*}}@__fencepost_store(ptr %q, {{.*}}!dbg [[OWN:![0-9]+]]
; CHECK: call {{.*}}@__fencepost_store(ptr %r, {{.*}}!dbg [[FUNCTION]]
; CHECK-DAG: [[FUNCTION]] = !DILocation(line: 10, scope: [[F:![0-9]+]])
; CHECK-DAG: [[OWN]] = !DILocation(line: 3, column: 5, scope: [[CALLEE:![0-9]+]], inlinedAt: [[SITE:![0-9]+]])
; CHECK-DAG: [[SITE]] = distinct !DILocation(line: 12, scope: [[F]])
define void @f(ptr %p, ptr %q, ptr %r) !dbg !5 {
  store i64 1, ptr %p
  store i64 2, ptr %q, !dbg !8
  store i64 3, ptr %r, !dbg !9
  ret void, !dbg !10
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !4)
!4 = !{}
!5 = distinct !DISubprogram(name: "f", scope: !1, file: !1, line: 10, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!6 = distinct !DISubprogram(name: "inlined", scope: !1, file: !1, line: 2, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!7 = distinct !DILocation(line: 12, scope: !5)
!8 = !DILocation(line: 3, column: 5, scope: !6, inlinedAt: !7)
!9 = !DILocation(line: 0, scope: !5)
!10 = !DILocation(line: 13, scope: !5)
