import { describeRounds } from "./rounds.ts";

describeRounds(200);
