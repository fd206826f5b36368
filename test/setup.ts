/** In every test process: the interpreter's handlers are made once for all. */
import { useHandlersFile } from '../src/handlers-file.ts';

useHandlersFile();
