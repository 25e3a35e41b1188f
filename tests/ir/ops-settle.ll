; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: stores that the optimizer has moved past a mark are put back within it:
; those of the function, or of the call that was inlined, and no others; never
; past a call.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

@fencepost.mark.own = private constant [4 x i8] c"own\00"
@fencepost.mark.call = private constant [5 x i8] c"call\00"

declare void @anything()

; CHECK-LABEL: define internal void @own.fencepost(
; CHECK: @__fencepost_op_begin(
; CHECK: store i64 1,
; CHECK: call void @anything()
; CHECK: store i64 2,
; CHECK: store i64 3,
; CHECK: @__fencepost_op_end(
; CHECK: ret void
define void @own(ptr %p, ptr %q) !dbg !5 {
  store i64 1, ptr %p, !dbg !7
  call void @llvm.var.annotation.p0.p0(ptr null, ptr @fencepost.mark.own, ptr null, i32 1, ptr null), !dbg !7
  call void @anything(), !dbg !7
  call void @llvm.var.annotation.p0.p0(ptr null, ptr @fencepost.mark.own, ptr null, i32 2, ptr null), !dbg !7
  store i64 2, ptr %p, !dbg !7
  store i64 3, ptr %q, !dbg !7
  ret void, !dbg !7
}

; CHECK-LABEL: define internal void @caller.fencepost(
; CHECK: store i64 1,
; CHECK: @__fencepost_op_begin(
; CHECK: store i64 2,
; CHECK: store i64 3,
; CHECK-NOT: @__fencepost_op_end(
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8,
; CHECK: @__fencepost_op_end(
; CHECK: store i64 4,
; CHECK: call void @anything()
; CHECK: store i64 5,
; CHECK: ret void
define void @caller(ptr %p, ptr %q) !dbg !6 {
  store i64 1, ptr %p, !dbg !8
  store i64 2, ptr %q, !dbg !10
  call void @llvm.var.annotation.p0.p0(ptr null, ptr @fencepost.mark.call, ptr null, i32 1, ptr null), !dbg !10
  call void @llvm.var.annotation.p0.p0(ptr null, ptr @fencepost.mark.call, ptr null, i32 2, ptr null), !dbg !10
  store i64 3, ptr %p, !dbg !10
  store i64 4, ptr %q, !dbg !8
  call void @anything(), !dbg !8
  store i64 5, ptr %p, !dbg !10
  ret void, !dbg !8
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !4)
!4 = !{}
!5 = distinct !DISubprogram(name: "own", scope: !1, file: !1, line: 10, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!6 = distinct !DISubprogram(name: "caller", scope: !1, file: !1, line: 20, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!7 = !DILocation(line: 11, scope: !5)
!8 = !DILocation(line: 21, scope: !6)
!9 = distinct !DISubprogram(name: "call", scope: !1, file: !1, line: 2, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!10 = !DILocation(line: 3, scope: !9, inlinedAt: !11)
!11 = distinct !DILocation(line: 22, scope: !6)
