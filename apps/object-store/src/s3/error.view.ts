/** Errors as S3 writes them. */
import { escapeXml, tag } from "./xml/write.ts";

export type ErrorShown = {
  code: string;
  message: string;
  bucket: string | null;
  rawPath: string;
  transactionId: string;
};

/** In no namespace, unlike everything else. */
export const errorDocument = ({ code, message, bucket, rawPath, transactionId }: ErrorShown): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message>${tag(
    "BucketName",
    bucket,
  )}<Resource>${escapeXml(rawPath)}</Resource><RequestId>${transactionId}</RequestId><HostId>${transactionId}</HostId></Error>`;
