; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
; Intent: of masked, packed and scattered stores exactly the elements written are
; reported.
; RUN: %opt -passes=fencepost -S %s | FileCheck %s

declare void @llvm.masked.store.v8i32.p0(<8 x i32>, ptr, i32, <8 x i1>)
declare void @llvm.masked.compressstore.v8i32(<8 x i32>, ptr, <8 x i1>)
declare void @llvm.masked.scatter.v2i64.v2p0(<2 x i64>, <2 x ptr>, i32, <2 x i1>)
declare void @llvm.x86.avx2.maskstore.d(ptr, <4 x i32>, <4 x i32>)
declare void @llvm.x86.sse2.maskmov.dqu(<16 x i8>, <16 x i8>, ptr)
declare void @llvm.x86.avx512.mask.pmov.qb.mem.512(ptr, <8 x i64>, i8)
declare void @llvm.x86.avx512.mask.scatter.dpd.512(ptr, <8 x i1>, <8 x i32>, <8 x double>, i32)

; CHECK-LABEL: define void @masked(
; CHECK: call void @llvm.masked.store
; CHECK: [[BITS:%.*]] = bitcast <8 x i1> %mask to i8
; CHECK: [[WIDE:%.*]] = zext i8 {{.*}} to i64
; CHECK: call {{.*}}@__fencepost_store_masked(ptr {{.*}}, i64 {{.*}}, i32 4, i32 0)
define void @masked(ptr %p, <8 x i32> %v, <8 x i1> %mask) {
  call void @llvm.masked.store.v8i32.p0(<8 x i32> %v, ptr %p, i32 4, <8 x i1> %mask)
  ret void
}

; CHECK-LABEL: define void @packed(
; CHECK: [[COUNT:%.*]] = call i8 @llvm.ctpop.i8(
; CHECK: [[WIDE:%.*]] = zext i8 [[COUNT]] to i64
; CHECK: [[SIZE:%.*]] = mul i64 [[WIDE]], 4
; CHECK: call {{.*}}@__fencepost_store(ptr %p, i64 [[SIZE]], i32 0)
define void @packed(ptr %p, <8 x i32> %v, <8 x i1> %mask) {
  call void @llvm.masked.compressstore.v8i32(<8 x i32> %v, ptr %p, <8 x i1> %mask)
  ret void
}

; CHECK-LABEL: define void @scattered(
; CHECK-COUNT-2: call {{.*}}@__fencepost_store(ptr {{.*}}, i64 {{.*}}, i32 0)
; CHECK-NOT: call {{.*}}@__fencepost_store
; CHECK: }
define void @scattered(<2 x ptr> %p, <2 x i64> %v, <2 x i1> %mask) {
  call void @llvm.masked.scatter.v2i64.v2p0(<2 x i64> %v, <2 x ptr> %p, i32 8, <2 x i1> %mask)
  ret void
}

; The sign of each element is its mask.
; CHECK-LABEL: define void @by_sign(
; CHECK: icmp slt <4 x i32> %mask, zeroinitializer
; CHECK: call {{.*}}@__fencepost_store_masked(ptr {{.*}}, i64 {{.*}}, i32 4, i32 0)
define void @by_sign(ptr %p, <4 x i32> %mask, <4 x i32> %v) {
  call void @llvm.x86.avx2.maskstore.d(ptr %p, <4 x i32> %mask, <4 x i32> %v)
  ret void
}

; CHECK-LABEL: define void @maskmov(
; CHECK: icmp slt <16 x i8> %mask, zeroinitializer
; CHECK: call {{.*}}@__fencepost_store_masked(ptr {{.*}}, i64 {{.*}}, i32 1, i32 1)
define void @maskmov(ptr %p, <16 x i8> %mask, <16 x i8> %v) {
  call void @llvm.x86.sse2.maskmov.dqu(<16 x i8> %v, <16 x i8> %mask, ptr %p)
  ret void
}

; CHECK-LABEL: define void @truncating(
; CHECK: call {{.*}}@__fencepost_store_masked(ptr {{.*}}, i64 {{.*}}, i32 1, i32 0)
define void @truncating(ptr %p, <8 x i64> %v, i8 %mask) {
  call void @llvm.x86.avx512.mask.pmov.qb.mem.512(ptr %p, <8 x i64> %v, i8 %mask)
  ret void
}

; CHECK-LABEL: define void @by_index(
; CHECK-COUNT-8: call {{.*}}@__fencepost_store(ptr {{.*}}, i64 {{.*}}, i32 0)
define void @by_index(ptr %p, <8 x i1> %mask, <8 x i32> %index, <8 x double> %v) {
  call void @llvm.x86.avx512.mask.scatter.dpd.512(ptr %p, <8 x i1> %mask, <8 x i32> %index, <8 x double> %v, i32 8)
  ret void
}
