import { type ApiRequest, type Reply, created } from "../../../http/service.ts";
import type { Transaction } from "../../../db/transaction.ts";
import { mutate } from "./mutate.ts";
import { resourcesOf } from "./wire.ts";

/** `POST` of one or of many: all that were asked for in one transaction, or none; answered in their order. */
export async function createMany<Wire, Wanted, Made>(
  request: ApiRequest<{ [key: string]: Wire | Wire[] }>,
  one: string,
  many: string,
  how: {
    read: (wire: Wire) => Wanted;
    create: (tx: Transaction, wanted: Wanted) => Promise<Made>;
    view: (made: Made) => object;
  },
): Promise<Reply> {
  const { bulk, wires } = resourcesOf<Wire>(request.body, one, many);
  const wanted = wires.map(how.read);
  const made = await mutate(request, async (tx) => {
    const all: Made[] = [];
    // one behind the other: each counts against the quota what those before it made
    for (const each of wanted) all.push(await how.create(tx, each));
    return all;
  });
  const views = made.map(how.view);
  return created(bulk ? { [many]: views } : { [one]: views[0] });
}
