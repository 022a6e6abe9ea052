import { drizzle } from './drizzle.js';
import { describeOrms } from './suite.js';

describeOrms([drizzle]);
