; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: a hook has the place of its store; without one, the line of the function.
; Inlined frames stay. The version that reports loads has places, but no variables.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s
; RUN: %opt -passes=fencepost -S %s | FileCheck --check-prefix=VERSIONS %s

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

; VERSIONS-LABEL: define i64 @reads(
; VERSIONS: #dbg_value(i64 %value,
; VERSIONS: ret i64 %value, !dbg
; VERSIONS-LABEL: define internal i64 @reads.fencepost(
; VERSIONS-NOT: #dbg_
; VERSIONS: call {{.*}}@__fencepost_load(ptr %p, i64 8){{.*}}!dbg
; VERSIONS-NOT: #dbg_
; VERSIONS: ret i64 %value, !dbg
define i64 @reads(ptr %p) !dbg !11 {
  %value = load i64, ptr %p, !dbg !12
  call void @llvm.dbg.value(metadata i64 %value, metadata !13, metadata !DIExpression()), !dbg !12
  ret i64 %value, !dbg !12
}

declare void @llvm.dbg.value(metadata, metadata, metadata)

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
!11 = distinct !DISubprogram(name: "reads", scope: !1, file: !1, line: 20, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!12 = !DILocation(line: 21, scope: !11)
!13 = !DILocalVariable(name: "value", scope: !11, file: !1, line: 20, type: !14)
!14 = !DIBasicType(name: "long", size: 64, encoding: DW_ATE_signed)
