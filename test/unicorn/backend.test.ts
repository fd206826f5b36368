import { UnicornBackend } from '../../emu/unicorn/backend.ts';
import { contract } from './contract.ts';

contract((space, options) => new UnicornBackend(space, options));
