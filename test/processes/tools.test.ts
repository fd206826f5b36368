import { checkGroups } from './check.ts';

checkGroups('make.sh', 'perl.pl', 'procps.sh', 'tools.sh');
