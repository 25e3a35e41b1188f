/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Intent: every spelling of flush, fence and store in inline assembly means
 * what it does; `.byte 0x66; clflush` is never a clflush; what is not known is
 * counted.
 *
 * RUN: %clang -O1 -S -emit-llvm -fpass-plugin=%plugin %s -o - | FileCheck %s
 */
#include <stdint.h>

/* 4 is the number of asm blocks not understood, in the last four functions. */
/* CHECK: @fencepost.module = {{.*}}i32 4, i32 {{[0-9]+}}, ptr @{{.*}} }
 */

/* CHECK-LABEL: @plain_clflush(
 * CHECK: @__fencepost_flush(ptr %{{.*}}, i32 0)
 * CHECK-NOT: @__fencepost_store
 */
void plain_clflush(char *p) {
  __asm__ volatile("clflush %0\n" : "+m"(*(volatile char *)p));
}

/* CHECK-LABEL: @prefixed_clflush(
 * CHECK: @__fencepost_flush(ptr %{{.*}}, i32 1)
 */
void prefixed_clflush(char *p) {
  __asm__ volatile(".byte 0x66; clflush %0" : "+m"(*(volatile char *)p));
}

/* CHECK-LABEL: @prefixed_xsaveopt(
 * CHECK: @__fencepost_flush(ptr %{{.*}}, i32 2)
 */
void prefixed_xsaveopt(char *p) {
  __asm__ volatile(".byte 0x66; xsaveopt %0" : "+m"(*(volatile char *)p));
}

/* CHECK-LABEL: @by_register(
 * CHECK: @__fencepost_flush(ptr %{{.*}}, i32 0)
 */
void by_register(char *p) {
  __asm__ volatile("clflush (%0)" ::"r"(p) : "memory");
}

/* CHECK-LABEL: @by_bytes(
 * CHECK: @__fencepost_flush(ptr %{{.*}}, i32 2)
 */
void by_bytes(char *p) {
  __asm__ volatile(".byte 0x66, 0x0f, 0xae, 0x30" ::"a"(p) : "memory");
}

/* The displacement of one byte: 0x70 0x40.
 * CHECK-LABEL: @by_bytes_displaced(
 * CHECK: icmp ult
 * CHECK: [[AT:%.*]] = getelementptr i8, ptr %{{.*}}, i64 64
 * CHECK-NEXT: @__fencepost_flush(ptr [[AT]], i32 2)
 */
void by_bytes_displaced(char *p) {
  __asm__ volatile(".byte 0x66, 0x0f, 0xae, 0x70, 0x40" ::"a"(p) : "memory");
}

/* CHECK-LABEL: @sfence_by_bytes(
 * CHECK: @__fencepost_fence(i32 0)
 */
void sfence_by_bytes(void) {
  __asm__ volatile(".byte 0x0f, 0xae, 0xf8" ::: "memory");
}

/* CHECK-LABEL: @pcommit(
 * CHECK-NOT: @__fencepost_f
 * CHECK: ret void
 */
void pcommit(void) {
  __asm__ volatile(".byte 0x66, 0x0f, 0xae, 0xf8" ::: "memory");
}

/* CHECK-LABEL: @locked_stack(
 * CHECK: @__fencepost_fence(i32 2)
 * CHECK-NOT: @__fencepost_atomic
 * CHECK: ret void
 */
void locked_stack(void) {
  __asm__ volatile("lock; addl $0,0(%%rsp)" ::: "memory");
}

/* CHECK-LABEL: @exchange(
 * CHECK: @__fencepost_atomic_begin(ptr %{{.*}}, i64 1, i32 3)
 * CHECK: @__fencepost_atomic_end(ptr %{{.*}}, i64 1, i32 1)
 */
uint8_t exchange(uint8_t *p) {
  uint8_t value = 1;
  __asm__ volatile("xchgb %0,%1" : "+q"(value), "+m"(*p)::"memory");
  return value;
}

/* CHECK-LABEL: @movnti(
 * CHECK: @__fencepost_store(ptr %{{.*}}, i64 8, i32 5)
 */
void movnti(uint64_t *p, uint64_t v) {
  __asm__ volatile("movnti %1, %0" : "=m"(*p) : "r"(v));
}

/* CHECK-LABEL: @vector(
 * CHECK: @__fencepost_store(ptr %{{.*}}, i64 32, i32 5)
 */
void vector(void *p) {
  __asm__ volatile("vmovntdq %%ymm0, (%0)" ::"r"(p) : "memory");
}

/* CHECK-LABEL: @set_string(
 * CHECK: [[SIZE:%.*]] = mul i64 %{{.*}}, 8
 * CHECK: @__fencepost_store(ptr %{{.*}}, i64 [[SIZE]], i32 0)
 */
void set_string(void *p, long n) {
  __asm__ volatile("rep; stosq" : "+D"(p), "+c"(n) : "a"(0L) : "memory");
}

/* In the order of the text, although all come behind the block.
 * CHECK-LABEL: @in_order(
 * CHECK: call void asm
 * CHECK: @__fencepost_store(ptr %{{.*}}, i64 8, i32 4)
 * CHECK: @__fencepost_flush(ptr %{{.*}}, i32 1)
 * CHECK: @__fencepost_fence(i32 0)
 */
void in_order(void *p, long v) {
  __asm__ volatile("movq %1, 16(%0)\n clflushopt 16(%0); sfence" ::"r"(p),
                   "r"(v)
                   : "memory");
}

/* CHECK-LABEL: @output_operand(
 * CHECK: @__fencepost_store(ptr %{{.*}}, i64 4, i32 4)
 */
void output_operand(int *p, int v) {
  __asm__ volatile("movl %1, %0" : "=m"(*p) : "r"(v));
}

/* CHECK-LABEL: @request(
 * CHECK: [[DEFAULT:%.*]] = {{.*}}call i64 asm
 * CHECK: [[ANSWER:%.*]] = call i64 @__fencepost_client(ptr %{{.*}}, i64 [[DEFAULT]])
 * CHECK: ret i64 [[ANSWER]]
 */
uint64_t request(uint64_t *arguments) {
  uint64_t result;
  __asm__ volatile(
      "rolq $3,  %%rdi ; rolq $13, %%rdi\n\t"
      "rolq $61, %%rdi ; rolq $51, %%rdi\n\t"
      "xchgq %%rbx,%%rbx"
      : "=d"(result)
      : "a"(arguments), "0"(7ul)
      : "cc", "memory");
  return result;
}

/* CHECK-LABEL: @barrier(
 * CHECK-NOT: @__fencepost_{{store|flush|fence}}
 * CHECK: ret void
 */
void barrier(void) {
  __asm__ volatile("" ::: "memory");
}

/* CHECK-LABEL: @unknown_bytes(
 */
void unknown_bytes(void) {
  __asm__ volatile(".byte 0x0f, 0x05" ::: "memory", "rax", "rcx", "r11");
}

void unknown_name(void *p) {
  __asm__ volatile("vmptrst (%0)" ::"r"(p) : "memory");
}

void unknown_address(void) {
  __asm__ volatile("movq $1, 0(%%rbx,%%rcx,8)" ::: "memory");
}

void unknown_extent(void *p) {
  __asm__ volatile("fxsave (%0)" ::"r"(p) : "memory");
}
