; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: functions that may store what others see, or call what does, are marked
; at entry and exits; the marks become hooks in the version that reports loads, or
; guarded where there is one version, and cost nothing in the other. A hook says
; where a function goes on after longjmp or an exception.
; RUN: %opt -passes=fencepost-mark -S %s | FileCheck --check-prefix=MARK %s
; RUN: %opt -passes=fencepost-mark,always-inline,fencepost -S %s | FileCheck %s
; RUN: %opt -passes=fencepost-mark,always-inline,fencepost -S %s | FileCheck --check-prefix=COPY %s
; RUN: %opt -passes=fencepost-mark,always-inline,fencepost -S %s | FileCheck --check-prefix=INLINED %s
; RUN: %opt -passes=fencepost-mark,always-inline,fencepost,fencepost -S %s | FileCheck --check-prefix=ONCE %s

declare void @anything()
declare i64 @strlen(ptr)
declare i32 @setjmp(ptr) returns_twice
declare i32 @__gxx_personality_v0(...)

; MARK-LABEL: define void @stores(
; MARK-NEXT: call void @llvm.var.annotation.p0.p0(ptr null, ptr @fencepost.mark.stores, ptr null, i32 1, ptr null)
; MARK-NEXT: store
; MARK-NEXT: call void @llvm.var.annotation.p0.p0(ptr null, ptr @fencepost.mark.stores, ptr null, i32 2, ptr null)
; MARK-NEXT: ret void
;
; CHECK-LABEL: define void @stores(
; CHECK: load i8, ptr getelementptr {{.*}}@__fencepost_state, i64 16)
; CHECK: musttail call void @stores.fencepost(
; CHECK-NOT: fencepost_op
; CHECK-NOT: annotation
; CHECK: }
; COPY-LABEL: define internal void @stores.fencepost(ptr %p, i32 %value)
; COPY-NEXT: [[VALUES:%.*]] = alloca [8 x i64]
; COPY: getelementptr {{.*}} [[VALUES]]
; COPY: [[FRAME:%.*]] = call ptr @llvm.frameaddress.p0(i32 0)
; COPY-NEXT: call void @__fencepost_op_begin(ptr [[SELF:getelementptr .*@fencepost.marked, i64 0, i64 [0-9]+\)]], ptr [[FRAME]], i64 [[INSTANCE:[-0-9]+]], i64 3, ptr [[VALUES]])
; COPY-NEXT: store i32
; COPY-NEXT: call preserve_mostcc void @__fencepost_store(
; COPY-NEXT: [[FRAME:%.*]] = call ptr @llvm.frameaddress.p0(i32 0)
; COPY-NEXT: call void @__fencepost_op_end(ptr [[SELF]], ptr [[FRAME]], i64 [[INSTANCE]])
; COPY-NEXT: ret void
define void @stores(ptr %p, i32 %value) {
  store i32 %value, ptr %p
  ret void
}

; Nothing that others see.
; MARK-LABEL: define i64 @reads(
; MARK-NOT: annotation
; MARK: }
define i64 @reads(ptr %p) {
  %mine = alloca i64
  %value = load i64, ptr %p
  store i64 %value, ptr %mine
  %length = call i64 @strlen(ptr %mine)
  ret i64 %length
}
; MARK-LABEL: define void @result(
; MARK-NOT: annotation
; MARK: }
define void @result(ptr sret(i64) %to) {
  store i64 1, ptr %to
  ret void
}
; MARK-LABEL: define i32 @main(
; MARK-NOT: annotation
; MARK: }
define i32 @main() {
  call void @anything()
  ret i32 0
}

; By what it calls.
; MARK-LABEL: define i64 @calls_reader(
; MARK-NOT: annotation
; MARK: }
define i64 @calls_reader(ptr %p) {
  %value = call i64 @reads(ptr %p)
  ret i64 %value
}
; MARK-LABEL: define void @calls(
; MARK: ptr @fencepost.mark.calls, ptr null, i32 1
; MARK: ptr @fencepost.mark.calls, ptr null, i32 2
; MARK: }
define void @calls(ptr %p) {
  call void @stores(ptr %p, i32 1)
  ret void
}

; The frame goes to another marked function; to an unmarked one without a word.
; MARK-LABEL: define void @jumps(
; MARK: ptr @fencepost.mark.jumps, ptr null, i32 1
; MARK: ptr @fencepost.mark.jumps, ptr null, i32 3
; MARK-NEXT: musttail call void @stores(
; MARK: }
; COPY-LABEL: define internal void @jumps.fencepost(
; COPY: call void @__fencepost_op_tail(
; COPY-NEXT: musttail call void @stores(
define void @jumps(ptr %p, i32 %value) {
  store i32 1, ptr %p
  musttail call void @stores(ptr %p, i32 %value)
  ret void
}
; MARK-LABEL: define i64 @jumps_to_reader(
; MARK: ptr @fencepost.mark.jumps_to_reader, ptr null, i32 1
; MARK-NOT: annotation
; MARK: }
define i64 @jumps_to_reader(ptr %p) {
  store i32 1, ptr %p
  %value = musttail call i64 @reads(ptr %p)
  ret i64 %value
}

; One version: each mark tests whether functions are operations.
; CHECK-LABEL: define void @variadic(
; CHECK: load i8, ptr getelementptr {{.*}}@__fencepost_state, i64 17)
; CHECK: call void @__fencepost_op_begin(
; CHECK: load i8, ptr getelementptr {{.*}}@__fencepost_state, i64 17)
; CHECK: call void @__fencepost_op_end(
; CHECK: }
define void @variadic(ptr %p, ...) {
  store i32 1, ptr %p
  ret void
}

; After longjmp; the place is in the function itself, not in what was inlined
; (number 1), whose end comes behind its store though the optimizer moved it.
; INLINED-LABEL: define internal void @lands.fencepost(
; INLINED: call i32 @setjmp({{.*}} !dbg [[AT:![0-9]+]]
; INLINED: [[FRAME:%.*]] = call ptr @llvm.frameaddress.p0(i32 0), !dbg [[AT]]
; INLINED-NEXT: call void @__fencepost_op_landed(ptr [[FRAME]], i64 {{[-0-9]+}}) {{.*}}!dbg [[AT]]
; INLINED: call void @__fencepost_op_begin({{.*}}, i64 [[INSTANCE:[-0-9]+]], i64 1, ptr
; INLINED: store i32 5, ptr %p
; INLINED-NEXT: call preserve_mostcc void @__fencepost_store(
; INLINED-NEXT: call ptr @llvm.frameaddress
; INLINED-NEXT: call void @__fencepost_op_end({{.*}}, i64 [[INSTANCE]])
define void @lands(ptr %p, ptr %buffer) !dbg !5 {
  %twice = call i32 @setjmp(ptr %buffer), !dbg !7
  call void @inlined(ptr %p), !dbg !8
  ret void, !dbg !7
}

define internal void @inlined(ptr %p) alwaysinline !dbg !9 {
    #dbg_value(ptr %p, !14, !DIExpression(), !10)
  store i32 5, ptr %p, !dbg !10
  ret void, !dbg !10
}

; A handler; what only cleans up is over a moment later.
; INLINED-LABEL: define internal void @handles.fencepost(
; INLINED: landingpad
; INLINED-NEXT: catch
; INLINED-NEXT: call ptr @llvm.frameaddress
; INLINED-NEXT: call void @__fencepost_op_landed({{.*}}, i64 0)
; INLINED-LABEL: define internal void @cleans.fencepost(
; INLINED-NOT: op_landed
; INLINED: call void @__fencepost_op_end(
; INLINED-NEXT: resume
define void @handles(ptr %p) personality ptr @__gxx_personality_v0 {
  invoke void @anything() to label %done unwind label %pad
pad:
  %exception = landingpad { ptr, i32 } catch ptr null
  br label %done
done:
  %value = load i32, ptr %p
  ret void
}
define void @cleans(ptr %p) personality ptr @__gxx_personality_v0 {
  invoke void @anything() to label %done unwind label %pad
pad:
  %exception = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %exception
done:
  %value = load i32, ptr %p
  ret void
}

; ONCE-COUNT-1: define internal void @stores.fencepost(
; ONCE: @__fencepost_op_begin(
; ONCE-NOT: @__fencepost_op_begin(
; ONCE-LABEL: define internal void @calls.fencepost(

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: FullDebug)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !4)
!4 = !{null, !11}
!5 = distinct !DISubprogram(name: "lands", scope: !1, file: !1, line: 10, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!7 = !DILocation(line: 11, scope: !5)
!8 = !DILocation(line: 12, scope: !5)
!9 = distinct !DISubprogram(name: "inlined", scope: !1, file: !1, line: 2, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!10 = !DILocation(line: 3, scope: !9)
!11 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !12, size: 64)
!12 = !DIBasicType(name: "int", size: 32, encoding: DW_ATE_signed)
!14 = !DILocalVariable(name: "p", arg: 1, scope: !9, file: !1, line: 2, type: !11)
