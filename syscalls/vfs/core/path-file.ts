/** A descriptor opened with O_PATH: it names a file and can do nothing else (open(2)); FdTable.get does not give it. */
import { OpenFile } from './open-file.ts';

export class PathFile extends OpenFile {
  override get isPath(): boolean {
    return true;
  }
  override get readable(): boolean {
    return false;
  }
  override get writable(): boolean {
    return false;
  }
}
