/**
 * The instructions that ARMv8 adds to AArch32 state (DDI 0487 chapter F), in the form of table.ts: load-acquire and
 * store-release, CRC32, scalar and vector floating point, the Cryptographic Extension, dot products.
 */

import type { Feature } from '../cpu-model.ts';
import * as cryptoOps from '../ops/crypto.ts';
import { ldrex, ldrexb, ldrexd, ldrexh, strex, strexb, strexd, strexh } from '../ops/exclusive.ts';
import * as simdOps from '../ops/simd.ts';
import { nop, udf } from '../ops/system.ts';
import * as scalarOps from '../ops/v8.ts';
import { vcvt } from '../ops/vfp.ts';
import * as predicates from './predicates.ts';
import type { Row } from './row.ts';
import { hexImmediate, none } from './shapes/branch-system.ts';
import * as exclusiveShapes from './shapes/load-store.ts';
import * as simdShapes from './shapes/simd.ts';
import * as v8Shapes from './shapes/v8.ts';
import * as vfpShapes from './shapes/vfp.ts';
import { type Heads, rowsOf, type Vocabulary } from './table.ts';

/** As for Advanced SIMD; the 1111 forms of coprocessors 10 and 11 are the same in A32 and T32. */
const heads: Heads = (bits) => {
  if (bits.startsWith('001')) return [`1111 ${bits}`, `111${bits[3]} 1111 ${bits.slice(5)}`];
  if (bits.startsWith('1111')) return [bits, bits];
  return [`cccc ${bits}`, `1110 ${bits}`];
};

const BASE = `
LDA A1      | cccc 0001 1001 nnnn tttt (1)(1)00 1001 (1)(1)(1)(1) | loadExclusive      | lda    | pc nt
LDAB A1     | cccc 0001 1101 nnnn tttt (1)(1)00 1001 (1)(1)(1)(1) | loadExclusive      | ldab   | pc nt
LDAH A1     | cccc 0001 1111 nnnn tttt (1)(1)00 1001 (1)(1)(1)(1) | loadExclusive      | ldah   | pc nt
LDAEX A1    | cccc 0001 1001 nnnn tttt (1)(1)10 1001 (1)(1)(1)(1) | loadExclusive      | ldrex  | pc nt
LDAEXB A1   | cccc 0001 1101 nnnn tttt (1)(1)10 1001 (1)(1)(1)(1) | loadExclusive      | ldrexb | pc nt
LDAEXH A1   | cccc 0001 1111 nnnn tttt (1)(1)10 1001 (1)(1)(1)(1) | loadExclusive      | ldrexh | pc nt
LDAEXD A1   | cccc 0001 1011 nnnn tttt (1)(1)10 1001 (1)(1)(1)(1) | loadExclusivePair  | ldrexd | oddPair, pc n
STL A1      | cccc 0001 1000 nnnn (1)(1)(1)(1) (1)(1)00 1001 tttt | loadExclusive      | stl    | pc nt
STLB A1     | cccc 0001 1100 nnnn (1)(1)(1)(1) (1)(1)00 1001 tttt | loadExclusive      | stlb   | pc nt
STLH A1     | cccc 0001 1110 nnnn (1)(1)(1)(1) (1)(1)00 1001 tttt | loadExclusive      | stlh   | pc nt
STLEX A1    | cccc 0001 1000 nnnn dddd (1)(1)10 1001 tttt         | storeExclusive     | strex  | pc dnt, same d nt
STLEXB A1   | cccc 0001 1100 nnnn dddd (1)(1)10 1001 tttt         | storeExclusive     | strexb | pc dnt, same d nt
STLEXH A1   | cccc 0001 1110 nnnn dddd (1)(1)10 1001 tttt         | storeExclusive     | strexh | pc dnt, same d nt
STLEXD A1   | cccc 0001 1010 nnnn dddd (1)(1)10 1001 tttt         | storeExclusivePair | strexd | pc dn, oddPair, same d nt, statusInPair
LDAB T1     | 1110 1000 1101 nnnn tttt (1)(1)(1)(1) 1000 (1)(1)(1)(1) | loadExclusive  | ldab   | spOrPc t, pc n
LDAH T1     | 1110 1000 1101 nnnn tttt (1)(1)(1)(1) 1001 (1)(1)(1)(1) | loadExclusive  | ldah   | spOrPc t, pc n
LDA T1      | 1110 1000 1101 nnnn tttt (1)(1)(1)(1) 1010 (1)(1)(1)(1) | loadExclusive  | lda    | spOrPc t, pc n
LDAEXB T1   | 1110 1000 1101 nnnn tttt (1)(1)(1)(1) 1100 (1)(1)(1)(1) | loadExclusive  | ldrexb | spOrPc t, pc n
LDAEXH T1   | 1110 1000 1101 nnnn tttt (1)(1)(1)(1) 1101 (1)(1)(1)(1) | loadExclusive  | ldrexh | spOrPc t, pc n
LDAEX T1    | 1110 1000 1101 nnnn tttt (1)(1)(1)(1) 1110 (1)(1)(1)(1) | loadExclusive  | ldrex  | spOrPc t, pc n
LDAEXD T1   | 1110 1000 1101 nnnn tttt uuuu 1111 (1)(1)(1)(1)     | loadExclusivePair  | ldrexd | spOrPc tu, pc n, same t u
STLB T1     | 1110 1000 1100 nnnn tttt (1)(1)(1)(1) 1000 (1)(1)(1)(1) | loadExclusive  | stlb   | spOrPc t, pc n
STLH T1     | 1110 1000 1100 nnnn tttt (1)(1)(1)(1) 1001 (1)(1)(1)(1) | loadExclusive  | stlh   | spOrPc t, pc n
STL T1      | 1110 1000 1100 nnnn tttt (1)(1)(1)(1) 1010 (1)(1)(1)(1) | loadExclusive  | stl    | spOrPc t, pc n
STLEXB T1   | 1110 1000 1100 nnnn tttt (1)(1)(1)(1) 1100 dddd     | storeExclusive     | strexb | spOrPc dt, pc n, same d nt
STLEXH T1   | 1110 1000 1100 nnnn tttt (1)(1)(1)(1) 1101 dddd     | storeExclusive     | strexh | spOrPc dt, pc n, same d nt
STLEX T1    | 1110 1000 1100 nnnn tttt (1)(1)(1)(1) 1110 dddd     | storeExclusive     | strex  | spOrPc dt, pc n, same d nt
STLEXD T1   | 1110 1000 1100 nnnn tttt uuuu 1111 dddd             | storeExclusivePair | strexd | spOrPc dtu, pc n, same d ntu
SEVL A1     | cccc 0011 0010 0000 (1)(1)(1)(1) (0)(0)(0)(0) 0000 0101 | none | nop
SEVL T1     | 1011 1111 0101 0000                                 | none | nop
SEVL T2     | 1111 0011 1010 (1)(1)(1)(1) 10(0)0 (0)000 0000 0101 | none | nop
HLT A1      | cccc 0001 0000 iiii iiii iiii 0111 iiii             | hexImmediate | udf | notAlways
HLT T1      | 1011 1010 10ii iiii                                 | hexImmediate | udf
`;

const CRC = `
CRC32B A1   | cccc 0001 0000 nnnn dddd (0)(0)0(0) 0100 mmmm | checksum b | crc32 | pc dnm, notAlways
CRC32H A1   | cccc 0001 0010 nnnn dddd (0)(0)0(0) 0100 mmmm | checksum h | crc32 | pc dnm, notAlways
CRC32W A1   | cccc 0001 0100 nnnn dddd (0)(0)0(0) 0100 mmmm | checksum w | crc32 | pc dnm, notAlways
CRC32CB A1  | cccc 0001 0000 nnnn dddd (0)(0)1(0) 0100 mmmm | checksum b c | crc32 | pc dnm, notAlways
CRC32CH A1  | cccc 0001 0010 nnnn dddd (0)(0)1(0) 0100 mmmm | checksum h c | crc32 | pc dnm, notAlways
CRC32CW A1  | cccc 0001 0100 nnnn dddd (0)(0)1(0) 0100 mmmm | checksum w c | crc32 | pc dnm, notAlways
CRC32B T1   | 1111 1010 1100 nnnn 1111 dddd 1000 mmmm | checksum b | crc32 | spOrPc dnm, inIT
CRC32H T1   | 1111 1010 1100 nnnn 1111 dddd 1001 mmmm | checksum h | crc32 | spOrPc dnm, inIT
CRC32W T1   | 1111 1010 1100 nnnn 1111 dddd 1010 mmmm | checksum w | crc32 | spOrPc dnm, inIT
CRC32CB T1  | 1111 1010 1101 nnnn 1111 dddd 1000 mmmm | checksum b c | crc32 | spOrPc dnm, inIT
CRC32CH T1  | 1111 1010 1101 nnnn 1111 dddd 1001 mmmm | checksum h c | crc32 | spOrPc dnm, inIT
CRC32CW T1  | 1111 1010 1101 nnnn 1111 dddd 1010 mmmm | checksum w c | crc32 | spOrPc dnm, inIT
`;

const FLOAT = `
VSELEQ 1    | 1111 1110 0D00 nnnn dddd 101z N0M0 mmmm | three            | vseleq | inIT
VSELVS 1    | 1111 1110 0D01 nnnn dddd 101z N0M0 mmmm | three            | vselvs | inIT
VSELGE 1    | 1111 1110 0D10 nnnn dddd 101z N0M0 mmmm | three            | vselge | inIT
VSELGT 1    | 1111 1110 0D11 nnnn dddd 101z N0M0 mmmm | three            | vselgt | inIT
VMAXNM 2    | 1111 1110 1D00 nnnn dddd 101z N0M0 mmmm | three            | vmaxnm | inIT
VMINNM 2    | 1111 1110 1D00 nnnn dddd 101z N1M0 mmmm | three            | vminnm | inIT
VRINTA 2    | 1111 1110 1D11 1000 dddd 101z 01M0 mmmm | two              | vrinta | inIT
VRINTN 2    | 1111 1110 1D11 1001 dddd 101z 01M0 mmmm | two              | vrintn | inIT
VRINTP 2    | 1111 1110 1D11 1010 dddd 101z 01M0 mmmm | two              | vrintp | inIT
VRINTM 2    | 1111 1110 1D11 1011 dddd 101z 01M0 mmmm | two              | vrintm | inIT
VRINTR 1    | 1110 1D11 0110 dddd 101z 01M0 mmmm      | two              | vrintr
VRINTZ 2    | 1110 1D11 0110 dddd 101z 11M0 mmmm      | two              | vrintz
VRINTX 2    | 1110 1D11 0111 dddd 101z 01M0 mmmm      | two              | vrintx
VCVTA 2     | 1111 1110 1D11 1100 dddd 101z s1M0 mmmm | toInteger a      | vcvt   | inIT
VCVTN 2     | 1111 1110 1D11 1101 dddd 101z s1M0 mmmm | toInteger n      | vcvt   | inIT
VCVTP 2     | 1111 1110 1D11 1110 dddd 101z s1M0 mmmm | toInteger p      | vcvt   | inIT
VCVTM 2     | 1111 1110 1D11 1111 dddd 101z s1M0 mmmm | toInteger m      | vcvt   | inIT
VCVTB (from half to double) 2 | 1110 1D11 0010 dddd 1011 01M0 mmmm | half b double   | vcvt
VCVTT (from half to double) 2 | 1110 1D11 0010 dddd 1011 11M0 mmmm | half t double   | vcvt
VCVTB (from double to half) 2 | 1110 1D11 0011 dddd 1011 01M0 mmmm | half b fromDouble | vcvt
VCVTT (from double to half) 2 | 1110 1D11 0011 dddd 1011 11M0 mmmm | half t fromDouble | vcvt
`;

const VECTOR_FLOAT = `
VMAXNM 1    | 0011 0D00 nnnn dddd 1111 NQM1 mmmm | same f w    | vmaxnmVector | inIT
VMINNM 1    | 0011 0D10 nnnn dddd 1111 NQM1 mmmm | same f w    | vminnmVector | inIT
VRINTN 1    | 0011 1D11 1010 dddd 0100 0QM0 mmmm | two f w     | vrintnVector | inIT
VRINTX 1    | 0011 1D11 1010 dddd 0100 1QM0 mmmm | two f w     | vrintxVector | inIT
VRINTA 1    | 0011 1D11 1010 dddd 0101 0QM0 mmmm | two f w     | vrintaVector | inIT
VRINTZ 1    | 0011 1D11 1010 dddd 0101 1QM0 mmmm | two f w     | vrintzVector | inIT
VRINTM 1    | 0011 1D11 1010 dddd 0110 1QM0 mmmm | two f w     | vrintmVector | inIT
VRINTP 1    | 0011 1D11 1010 dddd 0111 1QM0 mmmm | two f w     | vrintpVector | inIT
VCVTA 1     | 0011 1D11 1011 dddd 0000 UQM0 mmmm | convert i   | vcvtaVector  | inIT
VCVTN 1     | 0011 1D11 1011 dddd 0001 UQM0 mmmm | convert i   | vcvtnVector  | inIT
VCVTP 1     | 0011 1D11 1011 dddd 0010 UQM0 mmmm | convert i   | vcvtpVector  | inIT
VCVTM 1     | 0011 1D11 1011 dddd 0011 UQM0 mmmm | convert i   | vcvtmVector  | inIT
`;

const CRYPTO = `
AESE 1      | 0011 1D11 0000 dddd 0011 00M0 mmmm | quads 2 8   | aese        | inIT
AESD 1      | 0011 1D11 0000 dddd 0011 01M0 mmmm | quads 2 8   | aesd        | inIT
AESMC 1     | 0011 1D11 0000 dddd 0011 10M0 mmmm | quads 2 8   | aesmc       | inIT
AESIMC 1    | 0011 1D11 0000 dddd 0011 11M0 mmmm | quads 2 8   | aesimc      | inIT
SHA1H 1     | 0011 1D11 1001 dddd 0010 11M0 mmmm | quads 2 32  | sha1h       | inIT
SHA1SU1 1   | 0011 1D11 1010 dddd 0011 10M0 mmmm | quads 2 32  | sha1su1     | inIT
SHA256SU0 1 | 0011 1D11 1010 dddd 0011 11M0 mmmm | quads 2 32  | sha256su0   | inIT
SHA1C 1     | 0010 0D00 nnnn dddd 1100 N1M0 mmmm | quads 3 32  | sha1c       | inIT
SHA1P 1     | 0010 0D01 nnnn dddd 1100 N1M0 mmmm | quads 3 32  | sha1p       | inIT
SHA1M 1     | 0010 0D10 nnnn dddd 1100 N1M0 mmmm | quads 3 32  | sha1m       | inIT
SHA1SU0 1   | 0010 0D11 nnnn dddd 1100 N1M0 mmmm | quads 3 32  | sha1su0     | inIT
SHA256H 1   | 0011 0D00 nnnn dddd 1100 N1M0 mmmm | quads 3 32  | sha256h     | inIT
SHA256H2 1  | 0011 0D01 nnnn dddd 1100 N1M0 mmmm | quads 3 32  | sha256h2    | inIT
SHA256SU1 1 | 0011 0D10 nnnn dddd 1100 N1M0 mmmm | quads 3 32  | sha256su1   | inIT
VMULL (p64) 2 | 0010 1D10 nnnn dddd 1110 N0M0 mmmm | longP64   | vmullPolynomial | inIT
`;

const DOT = `
VSDOT (vector) 1    | 1111 1100 0D10 nnnn dddd 1101 NQM0 mmmm | dot s      | vdot       | inIT
VUDOT (vector) 1    | 1111 1100 0D10 nnnn dddd 1101 NQM1 mmmm | dot u      | vdot       | inIT
VSDOT (by element) 1 | 1111 1110 0D10 nnnn dddd 1101 NQM0 mmmm | dotScalar s | vdotScalar | inIT
VUDOT (by element) 1 | 1111 1110 0D10 nnnn dddd 1101 NQM1 mmmm | dotScalar u | vdotScalar | inIT
`;

const vocabulary = (needs: Feature, shapes: Vocabulary['shapes'], ops: Vocabulary['ops']): Vocabulary => ({
  shapes,
  ops,
  predicates,
  needs,
});

export const v8Rows: Row[] = [
  ...rowsOf(
    BASE,
    heads,
    vocabulary(
      'v8',
      { ...exclusiveShapes, none, hexImmediate },
      { ...scalarOps, ldrex, ldrexb, ldrexh, ldrexd, strex, strexb, strexh, strexd, nop, udf },
    ),
  ),
  ...rowsOf(CRC, heads, vocabulary('crc', v8Shapes, scalarOps)),
  ...rowsOf(FLOAT, heads, vocabulary('v8', vfpShapes, { ...scalarOps, vcvt })),
  ...rowsOf(VECTOR_FLOAT, heads, vocabulary('v8', simdShapes, simdOps)),
  ...rowsOf(CRYPTO, heads, vocabulary('crypto', v8Shapes, { ...cryptoOps, ...simdOps })),
  ...rowsOf(DOT, heads, vocabulary('dotprod', v8Shapes, simdOps)),
];
