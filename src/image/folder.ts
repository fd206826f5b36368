/** The folder of armrun inside an image, and what is in it. Paths are as the image's programs would see them, if they did. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const FOLDER = '/armrun';
/** What the wrapper stands in for. */
export const SHELL = '/bin/sh';

/** Names in the folder. */
export const FILES = {
  /** The command armrun: a launcher. */
  command: 'armrun',
  /** The launcher that is copied to /bin/sh. */
  wrapper: 'wrapper',
  /** The image's own /bin/sh while the wrapper is in its place. It may be missing when a RUN line removed it. */
  shell: 'sh',
  /** There while nothing has looked at what a builder made of an archive that puts the wrapper at /bin/sh (added.ts). */
  added: 'added',
  /** What the image itself has by the name of this folder, if anything. */
  own: 'own',
  /** Translations of the image's programs, kept from RUN to RUN (translation-archive.ts). */
  translations: 'translations',
} as const;

/** Time of all that comes from an archive, in seconds: 1980, because some tools take 0 for "no time". */
export const ARCHIVE_TIME = Date.UTC(1980, 0, 1) / 1000;

/**
 * The folder that this armrun runs from, if it is one of an image or mounted into one, there or elsewhere; else null. Not a
 * constant: a snapshot would hold where it was made.
 */
export function ownFolder(): string | null {
  const folder = path.dirname(fileURLToPath(import.meta.url));
  return existsSync(path.join(folder, FILES.wrapper)) ? folder : null;
}

/** Where the armrun of an image keeps translations, for all users; null for another, whose users have directories for caches. */
export function ownTranslations(): string | null {
  const folder = ownFolder();
  return folder && path.join(folder, FILES.translations);
}
