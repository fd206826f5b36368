/**
 * Encodings that most programs have and the tables of kinds do not tell (kinds.ts): their records come with the tables, so that a
 * start need not decode them.
 *
 * Those that at least two of a score of programs run; bench/usual.ts tells.
 */
import type { IsaName } from '../decode/row.ts';

const TEXT: Readonly<Record<IsaName, string>> = {
  A32: `
    12fff1e 28a31002 e08cf00f e08f3003 e08fe00e e08ff003 e08ff083 e12fff1e e20110ff e2023038 e202303c e2083038 e212203f
    e2588d05 e2588d0a e2633034 e263303a e2811080 e28110c0 e2888d05 e28cc080 e28cc0c0 e28cca04 e28cca11 e28cca16 e28cca17
    e28cca18 e28cca1b e28cca1c e28cca1d e28cca1e e28cca1f e28cca2d e28cca2e e28cca38 e28cca7e e28ccaee e28d2004 e28f602c
    e28fc600 e28fc602 e318003f e59f0008 e59f001c e59f2014 e59f3014 e59fa038 e59fc000 e59fe004 e5bcf000 e5bcf00c e5bcf018
    e5bcf01c e5bcf024 e5bcf028 e5bcf02c e5bcf034 e5bcf03c e5bcf040 e5bcf044 e5bcf04c e5bcf050 e5bcf058 e5bcf060 e5bcf064
    e5bcf068 e5bcf06c e5bcf07c e5bcf084 e5bcf088 e5bcf08c e5bcf090 e5bcf098 e5bcf09c e5bcf0a0 e5bcf0a4 e5bcf0a8 e5bcf0b0
    e5bcf0b4 e5bcf0bc e5bcf0c0 e5bcf0cc e5bcf0d0 e5bcf0d4 e5bcf0d8 e5bcf0e0 e5bcf0e4 e5bcf0e8 e5bcf0f8 e5bcf0fc e5bcf100
    e5bcf104 e5bcf108 e5bcf114 e5bcf11c e5bcf120 e5bcf128 e5bcf12c e5bcf134 e5bcf144 e5bcf148 e5bcf14c e5bcf150 e5bcf154
    e5bcf15c e5bcf180 e5bcf188 e5bcf194 e5bcf198 e5bcf1a8 e5bcf1ac e5bcf1b4 e5bcf1b8 e5bcf1bc e5bcf1c0 e5bcf1cc e5bcf1dc
    e5bcf1e4 e5bcf1e8 e5bcf1f0 e5bcf1fc e5bcf204 e5bcf20c e5bcf220 e5bcf228 e5bcf230 e5bcf248 e5bcf24c e5bcf250 e5bcf254
    e5bcf25c e5bcf260 e5bcf264 e5bcf268 e5bcf270 e5bcf278 e5bcf27c e5bcf280 e5bcf284 e5bcf290 e5bcf294 e5bcf298 e5bcf2a0
    e5bcf2a8 e5bcf2c0 e5bcf2c8 e5bcf2cc e5bcf2d4 e5bcf2dc e5bcf2e0 e5bcf2e4 e5bcf2e8 e5bcf2f0 e5bcf2f4 e5bcf2f8 e5bcf308
    e5bcf30c e5bcf310 e5bcf318 e5bcf32c e5bcf338 e5bcf33c e5bcf348 e5bcf350 e5bcf358 e5bcf35c e5bcf368 e5bcf36c e5bcf370
    e5bcf37c e5bcf380 e5bcf384 e5bcf39c e5bcf3a4 e5bcf3b0 e5bcf3b4 e5bcf3c4 e5bcf3cc e5bcf3d4 e5bcf3d8 e5bcf3e0 e5bcf3ec
    e5bcf3f4 e5bcf3fc e5bcf414 e5bcf41c e5bcf428 e5bcf42c e5bcf43c e5bcf444 e5bcf44c e5bcf450 e5bcf478 e5bcf490 e5bcf4ac
    e5bcf4c0 e5bcf4d0 e5bcf4dc e5bcf4e8 e5bcf4f0 e5bcf510 e5bcf518 e5bcf520 e5bcf538 e5bcf54c e5bcf554 e5bcf560 e5bcf564
    e5bcf574 e5bcf57c e5bcf584 e5bcf5b0 e5bcf5b4 e5bcf5c0 e5bcf5dc e5bcf5ec e5bcf5f4 e5bcf600 e5bcf614 e5bcf658 e5bcf660
    e5bcf664 e5bcf66c e5bcf680 e5bcf684 e5bcf698 e5bcf6a0 e5bcf6a4 e5bcf6ac e5bcf6c4 e5bcf6cc e5bcf6d4 e5bcf70c e5bcf72c
    e5bcf748 e5bcf758 e5bcf78c e5bcf7ac e5bcf7c4 e5bcf7cc e5bcf7dc e5bcf844 e5bcf85c e5bcf864 e5bcf874 e5bcf88c e5bcf894
    e5bcf8a4 e5bcf8b4 e5bcf8bc e5bcf8dc e5bcf8e0 e5bcf8f0 e5bcf8fc e5bcf900 e5bcf910 e5bcf918 e5bcf91c e5bcf924 e5bcf93c
    e5bcf948 e5bcf950 e5bcf954 e5bcf95c e5bcf988 e5bcf98c e5bcf9ac e5bcf9c8 e5bcf9d8 e5bcf9e4 e5bcf9e8 e5bcf9f4 e5bcf9fc
    e5bcfa10 e5bcfa14 e5bcfa20 e5bcfa34 e5bcfa48 e5bcfa4c e5bcfa50 e5bcfa54 e5bcfa70 e5bcfa7c e5bcfa84 e5bcfa88 e5bcfa8c
    e5bcfa98 e5bcfaa0 e5bcfab0 e5bcfac4 e5bcfac8 e5bcfacc e5bcfad8 e5bcfaf8 e5bcfb28 e5bcfb38 e5bcfb3c e5bcfb40 e5bcfb60
    e5bcfb70 e5bcfb80 e5bcfb98 e5bcfbb4 e5bcfbb8 e5bcfbbc e5bcfbe0 e5bcfbe4 e5bcfbf8 e5bcfc08 e5bcfc0c e5bcfc18 e5bcfc40
    e5bcfc44 e5bcfc50 e5bcfc54 e5bcfc58 e5bcfc5c e5bcfc78 e5bcfc88 e5bcfca4 e5bcfca8 e5bcfcac e5bcfcb0 e5bcfcb4 e5bcfcbc
    e5bcfcc4 e5bcfcc8 e5bcfcd4 e5bcfcdc e5bcfce0 e5bcfce4 e5bcfce8 e5bcfcec e5bcfcf4 e5bcfd08 e5bcfd0c e5bcfd10 e5bcfd20
    e5bcfd24 e5bcfd2c e5bcfd50 e5bcfd54 e5bcfd5c e5bcfd64 e5bcfd6c e5bcfd74 e5bcfd80 e5bcfdac e5bcfdb8 e5bcfdc0 e5bcfdcc
    e5bcfdd8 e5bcfde8 e5bcfdf0 e5bcfdf4 e5bcfdf8 e5bcfe00 e5bcfe0c e5bcfe10 e5bcfe14 e5bcfe2c e5bcfe34 e5bcfe3c e5bcfe40
    e5bcfe48 e5bcfe4c e5bcfe58 e5bcfe5c e5bcfe60 e5bcfe70 e5bcfe7c e5bcfe84 e5bcfe88 e5bcfe98 e5bcfea8 e5bcfeac e5bcfeb0
    e5bcfeb4 e5bcfec0 e5bcfec4 e5bcfec8 e5bcfecc e5bcfed0 e5bcfed4 e5bcfed8 e5bcfee0 e5bcfee4 e5bcfeec e5bcfef0 e5bcfef8
    e5bcff00 e5bcff08 e5bcff10 e5bcff18 e5bcff1c e5bcff24 e5bcff28 e5bcff30 e5bcff40 e5bcff48 e5bcff4c e5bcff50 e5bcff54
    e5bcff58 e5bcff5c e5bcff68 e5bcff70 e5bcff74 e5bcff78 e5bcff7c e5bcff80 e5bcff84 e5bcff88 e5bcff8c e5bcff90 e5bcff98
    e5bcffa4 e5bcffac e5bcffb4 e5bcffbc e5bcffc4 e5bcffc8 e5bcffcc e5bcffd0 e5bcffd8 e5bcffe0 e5bcffe4 e5bcffe8 e5bcffec
    e5bcfff4 e5bcfffc e5bef008 e8bd401f e8bd8008 e92d001f e92d4008 f40c021d f40c070d f40c421d f421020d f421070d f421420d
  `,
  T16: `
    4407 440f 4417 441f 4427 442f 4437 4447 444f 4457 445f 4477 4478 4479 447a 447b 447c 447d 447e 447f 44f8 44f9 44fa 44fb
    44fc 44fe 4547 454f 4557 455f 4567 4607 460f 4617 461f 4627 462f 4637 4647 464f 4657 465f 4667 466f 4677 4697 469f 4770
    4778 b401 b404 b408 b40c b40e b40f b410 b430 b470 b480 b4f0 b500 b508 b510 b530 b538 b570 b580 b5b0 b5d0 b5f0 b5f8 bc02
    bc30 bc70 bc80 bcf0 bd08 bd10 bd30 bd38 bd70 bd80 bdd0 bdf0 bdf8 bf00
    c40f c50f c60f c70f c903 ca07 cb07 cb0f cc0f cd0f ce0f cf0f
  `,
  T32: `
    e8820003 e8830003 e8830007 e8840003 e884000f e8850003 e885000f e8860003 e8860006 e886000f e8870003 e8870007 e887000f
    e888000f e8890003 e889000f e88c000f e88e0007 e8920003 e8930003 e8930006 e8930007 e894000f e8950003 e895000f e8960003
    e896000f e897000f e8980003 e899000f e89b0007 e89e000f e8aa000f e8ac000f e8ac0ff0 e8ae000f e8b9000f e8bc000f e8bc0ff0
    e8bd4006 e8bd4008 e8bd4010 e8bd4030 e8bd4038 e8bd4070 e8bd40b0 e8bd40f0 e8bd40f8 e8bd41f0 e8bd43f0 e8bd43f8 e8bd47f0
    e8bd4ff0 e8bd4ff8 e8bd81f0 e8bd83f0 e8bd83f8 e8bd87f0 e8bd8df0 e8bd8ff0 e8bd8ff8 e8be000f e8dff000 e8dff001 e8dff002
    e8dff003 e8dff005 e8dff00c e8dff00e e8dff010 e8dff011 e8dff012 e8dff013 e8dff014 e8dff015 e8dff016 e8dff017 e8dff018
    e8dff019 e92d4003 e92d41f0 e92d43f0 e92d43f8 e92d47f0 e92d4880 e92d4df0 e92d4ff0 e92d4ff8 ea0303a2 ea111193 ea1171d0
    ea121393 ea133352 ea401282 ea407082 ea4131d2 ea417187 ea4232d1 ea4232d4 ea4232d6 ea4434d2 ea477784 ea477789 ea48788c
    ea4c3cd2 ea5171d4 ea5373d5 eb000242 eb0101a3 eb020240 eb020242 eb020295 eb02029e eb020343 eb030342 eb030352 eb030442
    eb030545 eb0404a3 eb060654 eb4171e0 eb4272e1 eb4372e6 eba070e3 eba373e4 ebb03f81 eca47b02 ecac8b10 ecbc8b10 ecbd8b02
    ecbd8b04 ecbd8b0c ed2d8b02 ed2d8b04 ed2d8b0c ed9f7a25 ed9f7b08 ed9f7b09 ed9f7b0b ed9f7b0c ed9f7b10 ed9f7b17 ed9f7b29
    ed9f7b2d ed9f8b97 ed9f8ba5 eee01b10 eef1fa10 ef022156 ef022b12 ef022b13 ef022b14 ef044156 ef044b15 ef228154 ef288119
    f343001e f3430e1e f3611287 f36201c3 f3620341 f36211c7 f3621645 f3631286 f3631c45 f3651087 f3651104 f3690242 f36c0342
    f36c1245 f36f01c3 f36f03c3 f36f1045 f36f1087 f36f1307 f36f2111 f3af8000 f3c12013 f3c15180 f3c20241 f3c22013 f3c30341
    f3c51341 f3c55380 f85dfb04 f921223d ff022850 ff044850
  `,
};

/** An encoding of one or two halfwords: of Thumb with the first in the upper bits. */
export interface UsualEncoding {
  readonly isa: IsaName;
  readonly bits: number;
}

export function usualEncodings(): UsualEncoding[] {
  return (Object.keys(TEXT) as IsaName[]).flatMap((isa) =>
    TEXT[isa]
      .trim()
      .split(/\s+/)
      .map((digits) => ({ isa, bits: Number.parseInt(digits, 16) | 0 })),
  );
}
