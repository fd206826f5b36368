import { checkGroups } from './check.ts';

checkGroups(
  'python-asyncio.py',
  'python-multiprocessing.py',
  'python-os.py',
  'python-subprocess.py',
  'python-threads.py',
);
