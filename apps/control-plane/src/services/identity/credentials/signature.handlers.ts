import type { SigningScope } from "@andromede/platform/tokens/signing-key";

import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { catalogOf, readCatalog } from "../catalog/catalog-cache.ts";
import { toTokenView } from "../tokens/token.view.ts";
import { type Signed, isRequestSignature, isS3Signature } from "./signature.ts";
import { openSigningKey, signInWithKey } from "./sign-in-with-key.ts";

type Body = { credentials?: Signed; credential?: Signed; ec2Credentials?: Signed };

const signedOf = ({ body }: ApiRequest<Body>): Signed =>
  body.credentials ?? body.credential ?? body.ec2Credentials ?? {};

async function answer(
  request: ApiRequest<Body>,
  isRight: (secret: string, signed: Signed) => boolean,
): Promise<{ token: string; body: string }> {
  const { token, contents } = await signInWithKey(request, signedOf(request), isRight);
  const catalog = catalogOf(request.app, await readCatalog(request.app), request.baseUrl, contents);
  return { token, body: JSON.stringify(toTokenView(contents, catalog)) };
}

export async function handleEc2Token(request: ApiRequest<Body>): Promise<Reply> {
  const { token, body } = await answer(request, isRequestSignature);
  return { status: 200, body, headers: { "content-type": "application/json", "x-subject-token": token } };
}

/** As Keystone: who asks learns whose signature it is, but gets no token to act with. */
export async function handleS3Token(request: ApiRequest<Body>): Promise<Reply> {
  const { body } = await answer(request, isS3Signature);
  return { status: 200, body, headers: { "content-type": "application/json" } };
}

/** For the object store, which checks signatures itself. */
export async function handleAccessKey(request: ApiRequest<SigningScope & { access: string }>): Promise<Reply> {
  const { access, ...scope } = request.body;
  const { token, signingKey } = await openSigningKey(request, access, scope);
  return ok({ token, signing_key: signingKey.toString("base64") });
}
