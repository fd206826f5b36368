/** Namespaces (namespaces(7)): what they are known by. Those that a run begins with have Linux's own numbers of the first. */
import { CLONE } from '../../abi/sched.ts';
import type { UserNamespace } from './user-namespace.ts';

/** By the name of the link: CLONE_NEW*, and the number of the first. */
const KINDS = {
  cgroup: [CLONE.CLONE_NEWCGROUP, 4026531835],
  ipc: [CLONE.CLONE_NEWIPC, 4026531839],
  mnt: [CLONE.CLONE_NEWNS, 4026531841],
  net: [CLONE.CLONE_NEWNET, 4026531840],
  pid: [CLONE.CLONE_NEWPID, 4026531836],
  time: [CLONE.CLONE_NEWTIME, 4026531834],
  user: [CLONE.CLONE_NEWUSER, 4026531837],
  uts: [CLONE.CLONE_NEWUTS, 4026531838],
} as const;
export type NamespaceKind = keyof typeof KINDS;

/** What the links in /proc/PID/ns are called. */
export const NAMESPACE_LINKS: readonly string[] = [
  ...Object.keys(KINDS),
  'pid_for_children',
  'time_for_children',
];

/** Of the next that is made; each run's own would be as good. */
let nextNumber = 4026532200;

/** One namespace: what is in it, subclasses have. */
export class Namespace {
  readonly kind: NamespaceKind;
  /** By which it is known to programs. */
  readonly number: number;
  /** Who has capabilities in this one, has them for this; undefined for the first user namespace. */
  readonly owner: UserNamespace | undefined;
  /** The user for whom it counts; undefined of those that a run begins with. */
  maker: number | undefined;

  constructor(kind: NamespaceKind, owner: UserNamespace | undefined, number: number = nextNumber++) {
    this.kind = kind;
    this.owner = owner;
    this.number = number;
  }
  /** CLONE_NEW* of it. */
  get type(): number {
    return KINDS[this.kind][0];
  }
  get text(): string {
    return `${this.kind}:[${this.number}]`;
  }
}

export const NAMESPACE_KINDS = Object.keys(KINDS) as readonly NamespaceKind[];
/** Those that CLONE_NEW* flags ask for. */
export const kindsIn = (flags: number): NamespaceKind[] =>
  NAMESPACE_KINDS.filter((kind) => flags & KINDS[kind][0]);

/** The number of the first namespace of a kind. */
export const firstNumber = (kind: NamespaceKind): number => KINDS[kind][1];
