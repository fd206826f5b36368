/**
 * Small programs for the JIT, each with control flow that its region finder, structurer or dispatcher has to get right. Each
 * begins at its first instruction with r0 = a scratch page, runs long enough to be compiled, leaves its results in registers or
 * on the scratch page, and ends with SVC.
 */
export const programs: Record<string, string> = {
  // In the interpreter each of the moves is a pair with the next; the last one's second is to be entered as compiled code.
  'pairs of instructions in a row, before a loop that is compiled': `
    .thumb
    movs  r6, #60
    movs  r7, #0
    movs  r0, #200
    movs  r5, #0
  outer:
    mov   r1, r7
    mov   r2, r7
    mov   r3, r7
  loop:
    mov   r4, r1
    adds  r1, #1
    cmp   r1, r0
    bne   loop
    add   r5, r2
    add   r5, r3
    add   r5, r4
    adds  r7, #1
    adds  r0, #1
    subs  r6, #1
    bne   outer
    svc   #0`,
  'an irreducible loop: two ways into the same cycle': `
    .thumb
    mov   r4, r0
    movs  r0, #0
    movw  r1, #5000
  again:
    tst   r1, #1
    bne   second
  first:
    adds  r0, #1
    cmp   r0, r1
    bhs   out
  second:
    adds  r0, #3
    tst   r0, #4
    bne   first
    adds  r0, #7
    cmp   r0, r1
    blo   second
  out:
    subs  r1, #1
    bne   again
    str   r0, [r4]
    svc   #0`,

  'switches: table branches of bytes and of halfwords, and one past the end': `
    .thumb
    mov   r4, r0
    movs  r0, #0
    movw  r1, #4000
  again:
    and   r2, r1, #7
    cmp   r2, #4
    bhi   other
    tbb   [pc, r2]
  table:
    .byte (c0 - table) / 2, (c1 - table) / 2, (c2 - table) / 2, (c0 - table) / 2, (c3 - table) / 2, 0
  c0: adds r0, #1
    b     next
  c1: adds r0, #20
    b     wide
  c2: eors r0, r1
    b     next
  c3: lsls r0, r0, #1
    b     next
  other:
    adds  r0, #5
  wide:
    and   r3, r0, #3
    cmp   r3, #3
    bhi   next
    tbh   [pc, r3, lsl #1]
  htable:
    .hword (h0 - htable) / 2, (h1 - htable) / 2, (next - htable) / 2, (h0 - htable) / 2
  h0: adds r0, #9
    b     next
  h1: mvns r0, r0
  next:
    subs  r1, #1
    bne   again
    svc   #0`,

  'ARM code that jumps into a row of instructions (addls pc, pc)': `
    mov   r4, r0
    mov   r0, #0
    movw  r1, #4000
  again:
    and   r2, r1, #7
    cmp   r2, #3
    addls pc, pc, r2, lsl #2
    b     other
    b     c0
    b     c1
    b     c2
    add   r0, r0, #100
  c0: add r0, r0, #1
  c1: eor r0, r0, r1
  c2: add r0, r0, r0, ror #7
    b     next
  other:
    sub   r0, r0, #3
  next:
    subs  r1, r1, #1
    bne   again
    svc   #0`,

  'ARM code that jumps by a table of addresses (ldrls pc)': `
  begin:
    mov   r4, r0
    mov   r0, #0
    movw  r1, #4000
  again:
    and   r2, r1, #7
    cmp   r2, #3
    ldrls pc, [pc, r2, lsl #2]
    b     other
    .word 0xb6000000 + (c0 - begin), 0xb6000000 + (c1 - begin)
    .word 0xb6000000 + (c2 - begin), 0xb6000000 + (c0 - begin)
  c0: add r0, r0, #1
  c1: eor r0, r0, r1
  c2: add r0, r0, r0, ror #7
    b     next
  other:
    sub   r0, r0, #3
  next:
    subs  r1, r1, #1
    bne   again
    svc   #0`,

  'recursion deeper than the host may nest, then many calls': `
    .thumb
    mov   r4, r0
    movw  r0, #20000
    bl    sum
    mov   r5, r0
    movs  r0, #19
    bl    fib
    svc   #0
  sum:
    push  {r6, lr}
    mov   r6, r0
    cbz   r0, 1f
    subs  r0, #1
    bl    sum
    adds  r0, r6
  1: pop  {r6, pc}
  fib:
    push  {r6, r7, lr}
    mov   r6, r0
    cmp   r0, #2
    blo   2f
    subs  r0, #1
    bl    fib
    mov   r7, r0
    subs  r0, r6, #2
    bl    fib
    adds  r0, r7
  2: pop  {r6, r7, pc}`,

  'calls and jumps through registers, between ARM and Thumb': `
    mov   r4, r0
    mov   r0, #0
    movw  r5, #3000
    adr   r6, arm
    adr   r7, thumb + 1
  again:
    tst   r5, #1
    movne r3, r6
    moveq r3, r7
    blx   r3
    adr   lr, back
    bx    r7
  back:
    subs  r5, r5, #1
    bne   again
    svc   #0
  arm:
    push  {r8, lr}
    add   r0, r0, r5
    pop   {r8, pc}
    .thumb
    .balign 4
  thumb:
    eors  r0, r5
    bx    lr`,

  'a callee that returns somewhere else than to its caller': `
    .thumb
    mov   r4, r0
    movs  r0, #0
    movw  r5, #3000
    mov   r7, sp
  again:
    bl    outer
    adds  r0, #1
  landed:
    subs  r5, #1
    bne   again
    svc   #0
  outer:
    push  {r6, lr}
    bl    inner
    adds  r0, #2
    pop   {r6, pc}
  inner:
    tst   r5, #3
    bne   1f
    mov   sp, r7
    adr   r3, landed
    orr   r3, #1
    bx    r3
  1: adds r0, #4
    bx    lr`,

  'paths that become hot late': `
    .thumb
    mov   r4, r0
    movs  r0, #0
    movw  r5, #30000
  again:
    bl    f
    subs  r5, #1
    bne   again
    svc   #0
  f:
    lsrs  r1, r5, #12
    cmp   r1, #6
    beq   a
    cmp   r1, #4
    beq   b
    cmp   r1, #2
    bls   c
    adds  r0, #1
    bx    lr
  a: eors r0, r5
    bx    lr
  b: subs r0, #3
    adcs  r0, r5
    bx    lr
  c: push {r6, lr}
    bl    g
    pop   {r6, pc}
  g: ror  r0, r0, r1
    adds  r0, #11
    bx    lr`,

  'VFP registers: halves of doubles, ways that part and meet, calls, results the evaluator has to find': `
    .thumb
    .fpu  vfpv3
    mov   r4, r0
    movw  r5, #3000
    vmov  s0, r5
    vcvt.f64.s32 d1, s0
    vcvt.f64.s32 d2, s0
    vsub.f64 d4, d1, d1
  again:
    vmov  s15, r5
    vcvt.f32.s32 s14, s15
    vadd.f32 s12, s14, s14
    vcvt.f64.f32 d6, s14
    vadd.f32 s1, s12, s13
    vmov  d5, r5, r5
    vmov  s10, r5
    vmov  r2, r3, d5
    adds  r0, r2, r0
    eors  r0, r3
    tst   r5, #1
    beq   other
    vadd.f64 d2, d2, d1
    vadd.f64 d9, d8, d1
    vmov  r1, s2
    bl    f
    vadd.f64 d3, d2, d1
    b     met
  other:
    vadd.f64 d3, d2, d1
    vsub.f64 d9, d8, d1
    vmul.f64 d2, d1, d1
  met:
    vadd.f64 d2, d3, d1
    tst   r5, #2
    it    ne
    vaddne.f64 d3, d2, d2
    vadd.f64 d3, d3, d2
    vdiv.f64 d7, d4, d4
    vadd.f64 d7, d7, d1
    vmov  r1, s6
    adds  r0, r0, r1
    vmov  r1, s19
    adds  r0, r0, r1
    bl    g
    subs  r5, #1
    bne   again
    vstm  r4, {d0-d7}
    svc   #0
  f:
    vadd.f64 d1, d1, d1
    vcvt.s32.f64 s6, d1
    vmov  s2, s6
    tst   r5, #32
    it    eq
    vmoveq s3, s6
    bx    lr
  g:
    vadd.f64 d8, d8, d1
    bx    lr`,

  'a conditional VFP instruction that only the evaluator can do, while the flags wait for the end of the block': `
    .thumb
    .fpu  vfpv3
    mov   r4, r0
    movs  r0, #0
    movw  r5, #3000
    vmov  s0, r5
    vcvt.f64.s32 d1, s0
    vsub.f64 d4, d1, d1
    vdiv.f64 d7, d4, d4
  again:
    vmov.f64 d3, d1
    and   r1, r5, #7
    cmp   r1, #3
    it    hi
    vaddhi.f64 d3, d7, d1
    vmov  r1, s7
    add.w r0, r0, r1
    subs  r5, #1
    bne   again
    svc   #0`,

  'IT blocks with loads, stores, compares and returns': `
    .thumb
    mov   r4, r0
    movs  r0, #0
    movw  r5, #3000
  again:
    bl    f
    subs  r5, #1
    bne   again
    svc   #0
  f:
    ands  r1, r5, #3
    ittee eq
    streq r5, [r4, #4]
    ldreq r2, [r4, #4]
    movne r2, #7
    addne r0, r0, r2
    cmp   r2, r5
    itt   eq
    addeq r0, r0, #1
    cmpeq r1, #0
    it    ne
    bxne  lr
    sbcs  r0, r0, r2
    itt   cc
    addcc r0, r0, #5
    bxcc  lr
    bx    lr`,

  'flags that live across calls, returns and loops': `
    .thumb
    mov   r4, r0
    movs  r0, #0
    movw  r5, #3000
  again:
    subs  r1, r0, r5
    bl    carry
    adds  r2, r2, r0
    mvns  r3, r5
    adds  r3, r3, r0
    bl    carry
    adds  r0, r0, r2
    subs  r5, #1
    bne   again
    svc   #0
  carry:
    sbc   r2, r2, r2
    it    mi
    addmi r2, #2
    it    vs
    eorvs r2, r2, #16
    bx    lr`,

  'multiples, exclusives and post-indexed copies over a page border': `
    .thumb
    add   r4, r0, #4000
    movw  r5, #2000
    movs  r0, #0
  again:
    and   r6, r5, #127
    adds  r6, r4, r6
    add   r7, r6, #300
    stmia r6!, {r0, r1, r2, r5}
    ldmdb r6, {r1, r2, r3, r8}
    str   r8, [r7], #4
    strh  r5, [r7], #2
    strb  r5, [r7], #1
    str   r0, [r7, #5]!
    ldr   r3, [r7, #-5]
    ldrd  r2, r1, [r4, #96]
    adds  r0, r0, r3
    ldrex r3, [r4]
    adds  r3, #1
    strex r2, r3, [r4]
    adds  r0, r2
    eors  r0, r1
    subs  r5, #1
    bne   again
    svc   #0`,
};

/** Calls the function at `patch` in a loop, a thousand times up to each SVC; its first instruction is `movs r1, #1`. */
export const calling = `
  .thumb
  movs  r0, #0
  movw  r5, #1000
again:
  bl    patch
  adds  r0, r1
  subs  r5, #1
  bne   again
  svc   #0
  movw  r5, #1000
  b     again
patch:
  movs  r1, #1
  bx    lr`;
