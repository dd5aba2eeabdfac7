-- +goose Up
-- create "webhook_deliveries" table
CREATE TABLE `webhook_deliveries` (`id` text NOT NULL, `kind` text NOT NULL, `case_id` text NOT NULL, `seq` integer NOT NULL, `state` text NOT NULL, `attempt_count` integer NOT NULL, `next_at` datetime NULL, `since` datetime NOT NULL, `done_at` datetime NULL, `lease` text NULL, `lease_until` datetime NULL, `event_id` text NULL, `webhook_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `webhook_deliveries_events_event` FOREIGN KEY (`event_id`) REFERENCES `events` (`id`) ON DELETE SET NULL, CONSTRAINT `webhook_deliveries_webhooks_deliveries` FOREIGN KEY (`webhook_id`) REFERENCES `webhooks` (`id`) ON DELETE CASCADE);
-- create index "delivery_webhook_id_seq" to table: "webhook_deliveries"
CREATE UNIQUE INDEX `delivery_webhook_id_seq` ON `webhook_deliveries` (`webhook_id`, `seq`);
-- create index "delivery_pending_case" to table: "webhook_deliveries"
CREATE INDEX `delivery_pending_case` ON `webhook_deliveries` (`webhook_id`, `case_id`, `seq`) WHERE next_at IS NOT NULL;
-- create index "delivery_pending" to table: "webhook_deliveries"
CREATE INDEX `delivery_pending` ON `webhook_deliveries` (`webhook_id`, `next_at`) WHERE next_at IS NOT NULL;
-- create index "delivery_done_at" to table: "webhook_deliveries"
CREATE INDEX `delivery_done_at` ON `webhook_deliveries` (`done_at`) WHERE done_at IS NOT NULL;
-- create "webhook_attempts" table
CREATE TABLE `webhook_attempts` (`id` text NOT NULL, `position` integer NOT NULL, `at` datetime NOT NULL, `took` integer NOT NULL, `outcome` text NOT NULL, `status` integer NULL, `error` text NULL, `delivery_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `webhook_attempts_webhook_deliveries_attempts` FOREIGN KEY (`delivery_id`) REFERENCES `webhook_deliveries` (`id`) ON DELETE CASCADE);
-- create index "deliveryattempt_delivery_id_position" to table: "webhook_attempts"
CREATE UNIQUE INDEX `deliveryattempt_delivery_id_position` ON `webhook_attempts` (`delivery_id`, `position`);
-- create "webhooks" table
CREATE TABLE `webhooks` (`id` text NOT NULL, `url` text NOT NULL, `kinds` json NOT NULL, `department` text NULL, `region` text NULL, `scheme` text NULL, `own_cases` bool NOT NULL, `selection` text NOT NULL, `state` text NOT NULL, `reason` text NULL, `owner` text NOT NULL, `role` text NOT NULL, `owner_department` text NULL, `owner_region` text NULL, `secrets` json NOT NULL, `cursor` integer NOT NULL, `failures` integer NOT NULL, `failing_since` datetime NULL, `open_until` datetime NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "endpoint_owner_created_at" to table: "webhooks"
CREATE INDEX `endpoint_owner_created_at` ON `webhooks` (`owner`, `created_at`);

-- +goose Down
-- reverse: create index "endpoint_owner_created_at" to table: "webhooks"
DROP INDEX `endpoint_owner_created_at`;
-- reverse: create "webhooks" table
DROP TABLE `webhooks`;
-- reverse: create index "deliveryattempt_delivery_id_position" to table: "webhook_attempts"
DROP INDEX `deliveryattempt_delivery_id_position`;
-- reverse: create "webhook_attempts" table
DROP TABLE `webhook_attempts`;
-- reverse: create index "delivery_done_at" to table: "webhook_deliveries"
DROP INDEX `delivery_done_at`;
-- reverse: create index "delivery_pending" to table: "webhook_deliveries"
DROP INDEX `delivery_pending`;
-- reverse: create index "delivery_pending_case" to table: "webhook_deliveries"
DROP INDEX `delivery_pending_case`;
-- reverse: create index "delivery_webhook_id_seq" to table: "webhook_deliveries"
DROP INDEX `delivery_webhook_id_seq`;
-- reverse: create "webhook_deliveries" table
DROP TABLE `webhook_deliveries`;
