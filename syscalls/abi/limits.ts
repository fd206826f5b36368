/** Numbers that a kernel is built with. */

/** Of kernel.pid_max: the lowest and the highest it can be; and where pids begin again after the highest (kernel/pid.c). */
export const PID_MAX_MIN = 301;
export const PID_MAX_LIMIT = 4_194_304;
export const RESERVED_PIDS = 300;

/** Most CPUs: as many as fit into one word of a mask. */
export const NR_CPUS = 32;
