import { MemoryStore } from '@motion-ts/memory';
import type { MakeSubject } from '../subject.js';
import { motionOn } from './motion.js';

export const motionOnMemory: MakeSubject = motionOn(() => new MemoryStore());
