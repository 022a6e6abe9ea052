import { databaseSuite } from './database-suite.js';
import { FakeDatabase } from './fake-database.js';

databaseSuite('the fake', () => new FakeDatabase());
