; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: in the version that reports loads, atomic and volatile accesses tell what
; they mean to other threads: what releases before them, what acquires behind them,
; and behind the end of the bracket in PM. Variables are told as such.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s
; RUN: %opt -passes=fencepost -S %s | FileCheck %s --check-prefix=ORDINARY

@hidden = internal global i32 0
@_pobj_cache_invalidate = external global i32

; ORDINARY-LABEL: define void @publish(
; ORDINARY-NOT: @__fencepost_sync
; ORDINARY: store atomic
; ORDINARY-NOT: @__fencepost_sync
; ORDINARY: ret void

; CHECK-LABEL: define internal void @publish.fencepost(
; CHECK: call {{.*}}@__fencepost_sync(ptr %p, i64 8, i32 4)
; CHECK: call {{.*}}@__fencepost_atomic_begin
; CHECK: store atomic
; CHECK: call {{.*}}@__fencepost_atomic_end
; CHECK-NOT: @__fencepost_sync
; CHECK: ret void
define void @publish(ptr %p) {
  store atomic i64 1, ptr %p release, align 8
  ret void
}

; What is read behind the flag is reported behind it.
; CHECK-LABEL: define internal i64 @subscribe.fencepost(
; CHECK: call {{.*}}@__fencepost_load_atomic(ptr %p, i64 8)
; CHECK-NEXT: load atomic
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr %p, i64 8, i32 3)
; CHECK-NEXT: call {{.*}}@__fencepost_load(ptr %q, i64 8)
; CHECK-NEXT: load i64, ptr %q
define i64 @subscribe(ptr %p, ptr %q) {
  %flag = load atomic i64, ptr %p acquire, align 8
  %value = load i64, ptr %q
  %sum = add i64 %flag, %value
  ret i64 %sum
}

; CHECK-LABEL: define internal i64 @both.fencepost(
; CHECK: call {{.*}}@__fencepost_sync(ptr %p, i64 8, i32 4)
; CHECK: call {{.*}}@__fencepost_atomic_begin
; CHECK: atomicrmw
; CHECK: call {{.*}}@__fencepost_atomic_end
; CHECK: call {{.*}}@__fencepost_sync(ptr %p, i64 8, i32 2)
define i64 @both(ptr %p) {
  %old = atomicrmw add ptr %p, i64 1 acq_rel
  ret i64 %old
}

; CHECK-LABEL: define internal i64 @relaxed.fencepost(
; CHECK: call {{.*}}@__fencepost_sync(ptr %p, i64 8, i32 12)
; CHECK: call {{.*}}@__fencepost_sync(ptr %p, i64 8, i32 11)
; CHECK: call {{.*}}@__fencepost_sync(ptr null, i64 0, i32 4)
; CHECK-NEXT: fence release
; CHECK: call {{.*}}@__fencepost_sync(ptr null, i64 0, i32 6)
; CHECK-NOT: @__fencepost_sync
; CHECK: ret i64
define i64 @relaxed(ptr %p) {
  store atomic i64 1, ptr %p monotonic, align 8
  %value = load atomic i64, ptr %p monotonic, align 8
  fence release
  fence seq_cst
  fence syncscope("singlethread") seq_cst
  ret i64 %value
}

; CHECK-LABEL: define internal i32 @volatile.fencepost(
; CHECK: call {{.*}}@__fencepost_sync(ptr %p, i64 4, i32 4)
; CHECK: store volatile
; CHECK: load volatile
; CHECK: call {{.*}}@__fencepost_sync(ptr %p, i64 4, i32 3)
define i32 @volatile(ptr %p) {
  store volatile i32 1, ptr %p
  %value = load volatile i32, ptr %p
  ret i32 %value
}

; Nobody else knows it.
; ORDINARY-LABEL: define i32 @own(
; ORDINARY-NOT: @__fencepost_sync
; ORDINARY: ret i32
define i32 @own() {
  %p = alloca i32
  store atomic i32 1, ptr %p release, align 4
  %value = load atomic i32, ptr %p acquire, align 4
  ret i32 %value
}

; ORDINARY-LABEL: define void @count(
; ORDINARY: call {{.*}}@__fencepost_touch(ptr @hidden, i32 0)
; ORDINARY: call {{.*}}@__fencepost_touch(ptr @hidden, i32 1)
; ORDINARY: ret void
define void @count() {
  %old = load i32, ptr @hidden
  %new = add i32 %old, 1
  store i32 %new, ptr @hidden
  ret void
}

; Without a test, in the version that runs only if loads are reported. What inline
; functions of libpmemobj look at is nobody's lock's.
; CHECK-LABEL: define internal i32 @cached.fencepost(
; CHECK-NOT: br
; CHECK: call {{.*}}@__fencepost_touch(ptr @hidden, i32 0)
; CHECK-NOT: br
; CHECK-NOT: @__fencepost_touch
; CHECK: ret i32
define i32 @cached(ptr %p) {
  %value = load i32, ptr %p
  %old = load i32, ptr @hidden
  %closed = load i32, ptr @_pobj_cache_invalidate
  %a = add i32 %value, %old
  %b = add i32 %a, %closed
  ret i32 %b
}

declare void @__cxa_guard_release(ptr)

; CHECK-LABEL: define internal void @made.fencepost(
; CHECK: call {{.*}}@__fencepost_sync(ptr %guard, i64 1, i32 4)
; CHECK: call void @__cxa_guard_release(
define void @made(ptr %guard) {
  call void @__cxa_guard_release(ptr %guard)
  ret void
}

declare i32 @__cxa_guard_acquire(ptr)
declare void @__cxa_guard_abort(ptr)

; CHECK-LABEL: define internal i32 @waited.fencepost(
; CHECK: call i32 @__cxa_guard_acquire(
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr %guard, i64 1, i32 2)
; CHECK: call {{.*}}@__fencepost_sync(ptr %guard, i64 1, i32 4)
; CHECK: call void @__cxa_guard_abort(
define i32 @waited(ptr %guard) {
  %mine = call i32 @__cxa_guard_acquire(ptr %guard)
  call void @__cxa_guard_abort(ptr %guard)
  ret i32 %mine
}

; movnti by its intrinsic is a store that is not torn, without an order of its own.
; CHECK-LABEL: define internal void @movnti.fencepost(
; CHECK: call {{.*}}@__fencepost_sync(ptr %p, i64 8, i32 12)
; CHECK-NEXT: store i64 1, ptr %p, align 8, !nontemporal
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 8, i32 5)
; CHECK: store <2 x i64> zeroinitializer, ptr %q, align 16, !nontemporal
; CHECK: call {{.*}}@__fencepost_store(ptr %q, i64 16, i32 1)
define void @movnti(ptr %p, ptr %q) {
  store i64 1, ptr %p, align 8, !nontemporal !0
  store <2 x i64> zeroinitializer, ptr %q, align 16, !nontemporal !0
  ret void
}

; The slow paths of Rust's locks are functions without hooks; one may throw.
declare void @_RNvMNtNtNtNtCs0_3std3sys4sync5mutex5futexNtB2_5Mutex14lock_contended(ptr)
declare void @_RNvMNtNtNtNtCs0_3std3sys4sync6rwlock5futexNtB2_6RwLock14read_contended(ptr)
declare void @_RNvMNtNtNtNtCs0_3std3sys4sync7condvar5futexNtB2_7Condvar4wait(ptr, ptr)
declare i32 @personality(...)

; CHECK-LABEL: define internal void @rust.fencepost(
; CHECK: call void {{.*}}lock_contended(ptr %lock)
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr %lock, i64 1, i32 2)
; CHECK: call void {{.*}}read_contended(ptr %lock)
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr %lock, i64 1, i32 2)
; CHECK: call {{.*}}@__fencepost_sync(ptr %{{[0-9]+}}, i64 1, i32 2)
; CHECK: call {{.*}}@__fencepost_sync(ptr %lock, i64 1, i32 4)
; CHECK: invoke void {{.*}}Condvar4wait(ptr %condition, ptr %lock)
; CHECK-NEXT: to label %[[NEXT:.*]] unwind
; CHECK: [[NEXT]]:
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr %lock, i64 1, i32 2)
; CHECK-NEXT: ret void
define void @rust(ptr %condition, ptr %lock) personality ptr @personality {
  call void @_RNvMNtNtNtNtCs0_3std3sys4sync5mutex5futexNtB2_5Mutex14lock_contended(ptr %lock)
  call void @_RNvMNtNtNtNtCs0_3std3sys4sync6rwlock5futexNtB2_6RwLock14read_contended(ptr %lock)
  invoke void @_RNvMNtNtNtNtCs0_3std3sys4sync7condvar5futexNtB2_7Condvar4wait(ptr %condition, ptr %lock)
    to label %next unwind label %thrown
next:
  ret void
thrown:
  %pad = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %pad
}

; Once releases within, behind what it has run; the word that a parked thread waits
; for is known to who wakes it alone.
declare void @_RNvMs0_NtNtNtNtCs0_3std3sys4sync4once5futexNtB5_4Once4call(ptr, i1, ptr, ptr, ptr)
declare void @_RNvMs0_NtNtCs0_3std4sync4onceNtB4_4Once4wait(ptr)
declare i1 @_RNvMs0_NtNtCs0_3std4sync7barrierNtB5_7Barrier4wait(ptr)
declare void @_RNvNtNtCs0_3std6thread9functions4park()
declare void @_ZN3std6thread12park_timeout17h0123456789abcdefE(i64, i32)

; CHECK-LABEL: define internal i1 @parks.fencepost(
; CHECK: call {{.*}}@__fencepost_sync(ptr %once, i64 1, i32 16)
; CHECK: call void {{.*}}4Once4call(
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr %once, i64 1, i32 32)
; CHECK: call void {{.*}}4Once4wait(ptr %once)
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr %once, i64 1, i32 2)
; CHECK: call {{.*}}@__fencepost_sync(ptr %barrier, i64 1, i32 4)
; CHECK: call i1 {{.*}}7Barrier4wait(ptr %barrier)
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr %barrier, i64 1, i32 2)
; CHECK: call void {{.*}}4park()
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr inttoptr (i64 8 to ptr), i64 1, i32 2)
; CHECK: call void {{.*}}park_timeout{{.*}}(i64 1, i32 0)
; CHECK-NEXT: call {{.*}}@__fencepost_sync(ptr inttoptr (i64 8 to ptr), i64 1, i32 2)
; CHECK: ret i1
define i1 @parks(ptr %once, ptr %barrier) {
  call void @_RNvMs0_NtNtNtNtCs0_3std3sys4sync4once5futexNtB5_4Once4call(ptr %once, i1 false, ptr null, ptr null, ptr null)
  call void @_RNvMs0_NtNtCs0_3std4sync4onceNtB4_4Once4wait(ptr %once)
  %leader = call i1 @_RNvMs0_NtNtCs0_3std4sync7barrierNtB5_7Barrier4wait(ptr %barrier)
  call void @_RNvNtNtCs0_3std6thread9functions4park()
  call void @_ZN3std6thread12park_timeout17h0123456789abcdefE(i64 1, i32 0)
  ret i1 %leader
}

; unpark, inlined and not; what only looks like it has no such hook.
; CHECK-LABEL: define internal void @unparks.fencepost(
; CHECK: call {{.*}}@__fencepost_sync(ptr inttoptr (i64 8 to ptr), i64 1, i32 4)
; CHECK: call {{.*}}@__fencepost_sync(ptr %state, i64 4, i32 4)
; CHECK: atomicrmw xchg
; CHECK-NOT: inttoptr
; CHECK: atomicrmw xchg
; CHECK: call {{.*}}@__fencepost_sync(ptr inttoptr (i64 8 to ptr), i64 1, i32 4)
; CHECK: call void {{.*}}6unpark
define void @unparks(ptr %state, ptr %thread) {
  %old = atomicrmw xchg ptr %state, i32 1 release, align 4
  %parked = icmp eq i32 %old, -1
  %before = atomicrmw xchg ptr %state, i32 1 release, align 4
  %lock = icmp eq i32 %before, 2
  %both = and i1 %parked, %lock
  br i1 %both, label %wake, label %done
wake:
  call void @_RNvMs_NtNtCs0_3std6thread6threadNtB4_6Thread6unpark(ptr %thread)
  br label %done
done:
  ret void
}
define void @_RNvMs_NtNtCs0_3std6thread6threadNtB4_6Thread6unpark(ptr %thread) {
  ret void
}

!0 = !{i32 1}
