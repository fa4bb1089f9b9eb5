import type { ApiRequest } from "../../../http/service.ts";
import type { Aggregate } from "./aggregate.model.ts";
import { listAggregates } from "./aggregate.queries.ts";

/** All of them: there are as many as an operator made. */
export const readAggregates = (request: ApiRequest): Promise<Aggregate[]> => listAggregates(request.app.db);
