/** How an operand is kept in a record. */
export type OperandKind = 'core' | 'single' | 'double' | 'small' | 'wide';

export interface Operand {
  readonly name: string;
  readonly kind: OperandKind;
  /** Offset in the record. */
  readonly at: number;
}
