/*
 * d0 to d31 and FPSCR of a tracee, as a debugger reads and writes them: PTRACE_GETVFPREGS and SETVFPREGS, which gdb uses, and
 * the regset NT_ARM_VFP (struct user_vfp, arch/arm/kernel/ptrace.c).
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct user_vfp {
	uint64_t d[32];
	uint32_t fpscr;
	uint32_t padding;
};
#define VFP_SIZE (32 * 8 + 4)

#pragma GCC target("fpu=neon")
static struct user_vfp first, second;

/* Stops twice with registers that are all known before it, and stores what they are behind it. */
static int tracee(void) {
	struct user_vfp out;
	uint64_t *from = first.d, *to = out.d;
	uint32_t fpscr = first.fpscr;
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	__asm__ volatile(
	    "vldmia %[in]!, {d0-d15}\n vldmia %[in], {d16-d31}\n vmsr fpscr, %[fpscr]\n bkpt #0\n nop\n nop\n"
	    "vstmia %[out]!, {d0-d15}\n vstmia %[out], {d16-d31}\n vmrs %[fpscr], fpscr\n"
	    : [fpscr] "+r"(fpscr), [in] "+r"(from), [out] "+r"(to)
	    :
	    : "memory", "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15",
	      "d16", "d17", "d18", "d19", "d20", "d21", "d22", "d23", "d24", "d25", "d26", "d27", "d28", "d29", "d30", "d31");
	int wrong = fpscr != second.fpscr;
	for (int i = 0; i < 32; i++) wrong += out.d[i] != second.d[i];
	return wrong;
}

static int differences(const struct user_vfp *a, const struct user_vfp *b) {
	int n = a->fpscr != b->fpscr;
	for (int i = 0; i < 32; i++) n += a->d[i] != b->d[i];
	return n;
}

int main(void) {
	for (int i = 0; i < 32; i++) {
		first.d[i] = 0x0123456789abcdefull * (i + 1);
		second.d[i] = ~first.d[i] - i;
	}
	first.fpscr = 0x28000010;
	second.fpscr = 0x9000009f;
	for (int regset = 0; regset < 2; regset++) {
		int pid = fork(), status;
		if (pid == 0) _exit(tracee());
		waitpid(pid, &status, 0);
		printf("stopped by %d\n", WSTOPSIG(status));
		struct user_vfp seen = {0};
		struct iovec vec = {&seen, VFP_SIZE};
		long got = regset ? ptrace(PTRACE_GETREGSET, pid, NT_ARM_VFP, &vec) : ptrace(PTRACE_GETVFPREGS, pid, 0, &seen);
		printf("get %ld of %u bytes, %d wrong\n", got, (unsigned)vec.iov_len, differences(&seen, &first));
		struct user_vfp new = second;
		vec.iov_base = &new;
		long set = regset ? ptrace(PTRACE_SETREGSET, pid, NT_ARM_VFP, &vec) : ptrace(PTRACE_SETVFPREGS, pid, 0, &new);
		/* Behind the breakpoint. */
		uint32_t regs[18];
		ptrace(PTRACE_GETREGS, pid, 0, regs);
		regs[15] += regs[16] & 0x20 ? 2 : 4;
		ptrace(PTRACE_SETREGS, pid, 0, regs);
		ptrace(PTRACE_CONT, pid, 0, 0);
		waitpid(pid, &status, 0);
		printf("set %ld, the tracee finds %d wrong\n", set, WEXITSTATUS(status));
	}
	return 0;
}
