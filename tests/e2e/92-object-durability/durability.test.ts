import { describeRounds } from "./rounds.ts";

describeRounds(12);
