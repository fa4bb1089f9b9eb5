import { type Route, route } from "../../../http/service.ts";
import {
  handleChangePassword,
  handleCreateUser,
  handleDeleteUser,
  handleListUsers,
  handleShowUser,
  handleUpdateUser,
} from "./user.handlers.ts";
import { changePasswordSchema, createUserSchema, updateUserSchema } from "./user.schema.ts";

const one = "/v3/users/:user_id";

export const userRoutes: Route[] = [
  route({ method: "GET", path: "/v3/users", rule: "identity:list_users", handler: handleListUsers }),
  route({
    method: "POST",
    path: "/v3/users",
    rule: "identity:create_user",
    body: createUserSchema,
    handler: handleCreateUser,
  }),
  route({ method: "GET", path: one, rule: "identity:get_user", handler: handleShowUser }),
  route({
    method: "PATCH",
    path: one,
    rule: "identity:update_user",
    body: updateUserSchema,
    handler: handleUpdateUser,
  }),
  route({ method: "DELETE", path: one, rule: "identity:delete_user", handler: handleDeleteUser }),
  route({
    method: "POST",
    path: `${one}/password`,
    rule: "identity:change_password",
    body: changePasswordSchema,
    handler: handleChangePassword,
  }),
];
