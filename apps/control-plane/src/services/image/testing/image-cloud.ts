/** The image service under test, and what its tests say to it. Test files only. */
import assert from "node:assert/strict";

import { newHexId } from "@andromede/base/ids";

import { type Answer, type TestApp, createTestApp } from "../../../testing/test-app.ts";
import { imageReconcilers } from "../reconcilers.ts";
import { imageService } from "../service.ts";

export type View = { [name: string]: unknown } & { id: string; status: string; tags: string[] };

export const PATCH = { "content-type": "application/openstack-images-v2.1-json-patch" };
export const OLD_PATCH = { "content-type": "application/openstack-images-v2.0-json-patch" };
const BYTES = { "content-type": "application/octet-stream" };

export const names = (answer: { body: { images: View[] } }): unknown[] =>
  answer.body.images.map((image) => image["name"]);

export type ImageCloud = {
  cloud: TestApp;
  /** Somebody of a project of their own. */
  somebody: (roles?: string[]) => { token: string; projectId: string };
  call: (
    token: string,
    method: string,
    path: string,
    body?: unknown,
    headers?: { [name: string]: string },
  ) => Promise<Answer>;
  createImage: (token: string, body?: { [name: string]: unknown }) => Promise<View>;
  upload: (token: string, id: string, payload: Buffer) => Promise<Answer>;
  show: (token: string, id: string) => Promise<View>;
};

export async function startImageCloud(): Promise<ImageCloud> {
  const cloud = await createTestApp({ services: [imageService], reconcilers: imageReconcilers });
  const call: ImageCloud["call"] = (token, method, path, body, headers) =>
    cloud.inject({
      method,
      url: `/image${path}`,
      token,
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    });
  return {
    cloud,
    call,
    somebody(roles = ["member"]) {
      const projectId = newHexId();
      return { token: cloud.tokenFor({ projectId, roles }), projectId };
    },
    async createImage(token, body = {}) {
      const wanted = { name: "one", disk_format: "raw", container_format: "bare", ...body };
      const answer = await call(token, "POST", "/v2/images", wanted);
      assert.equal(answer.status, 201, answer.text);
      return answer.body;
    },
    upload: (token, id, payload) =>
      cloud.inject({ method: "PUT", url: `/image/v2/images/${id}/file`, token, payload, headers: BYTES }),
    async show(token, id) {
      const answer = await call(token, "GET", `/v2/images/${id}`);
      assert.equal(answer.status, 200, answer.text);
      return answer.body;
    },
  };
}
