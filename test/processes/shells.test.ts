import { checkGroups } from './check.ts';

checkGroups('bash-jobs.sh', 'bash-traps.sh', 'bash-pipes.sh', 'bash-exec.sh', 'dash.sh');
