"""What the portal remembers of each reading: its own errors and ages, and what a list has lacked."""

import django.db.models.deletion
from django.db import migrations, models


# An order that is to be sent again is looked up once more, and may prove to have arrived: queued to unclear.
CHECK_TRANSITIONS = """
CREATE OR REPLACE FUNCTION deployments_check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = OLD.status
    OR (OLD.status = 'queued' AND NEW.status IN ('canceled', 'clearing', 'failed', 'pinning', 'restoring', 'sending', 'succeeded', 'unclear'))
    OR (OLD.status = 'clearing' AND NEW.status IN ('canceled', 'failed', 'needs_attention', 'queued', 'restoring'))
    OR (OLD.status = 'pinning' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'sending'))
    OR (OLD.status = 'sending' AND NEW.status IN ('accepted', 'failed', 'needs_attention', 'queued', 'restoring', 'serving', 'unclear'))
    OR (OLD.status = 'unclear' AND NEW.status IN ('accepted', 'failed', 'needs_attention', 'queued', 'restoring', 'serving'))
    OR (OLD.status = 'accepted' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'serving'))
    OR (OLD.status = 'serving' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'succeeded'))
    OR (OLD.status = 'restoring' AND NEW.status IN ('canceled', 'failed', 'needs_attention', 'succeeded'))
    OR (OLD.status = 'needs_attention' AND NEW.status IN ('failed', 'queued', 'serving'))
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'A change cannot move from % to %.', OLD.status, NEW.status USING ERRCODE = 'check_violation';
END $$;
"""

CHECK_TRANSITIONS_BEFORE = """
CREATE OR REPLACE FUNCTION deployments_check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = OLD.status
    OR (OLD.status = 'queued' AND NEW.status IN ('canceled', 'clearing', 'failed', 'pinning', 'restoring', 'sending', 'succeeded'))
    OR (OLD.status = 'clearing' AND NEW.status IN ('canceled', 'failed', 'needs_attention', 'queued', 'restoring'))
    OR (OLD.status = 'pinning' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'sending'))
    OR (OLD.status = 'sending' AND NEW.status IN ('accepted', 'failed', 'needs_attention', 'queued', 'restoring', 'serving', 'unclear'))
    OR (OLD.status = 'unclear' AND NEW.status IN ('accepted', 'failed', 'needs_attention', 'queued', 'restoring', 'serving'))
    OR (OLD.status = 'accepted' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'serving'))
    OR (OLD.status = 'serving' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'succeeded'))
    OR (OLD.status = 'restoring' AND NEW.status IN ('canceled', 'failed', 'needs_attention', 'succeeded'))
    OR (OLD.status = 'needs_attention' AND NEW.status IN ('failed', 'queued', 'serving'))
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'A change cannot move from % to %.', OLD.status, NEW.status USING ERRCODE = 'check_violation';
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='deployment',
            name='looked_at',
            field=models.DateTimeField(help_text='When it was last looked up by id.', null=True),
        ),
        migrations.AddField(
            model_name='deployment',
            name='unlisted',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='providerstatus',
            name='services_error',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='service',
            name='events_error',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='service',
            name='events_read_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='service',
            name='events_tried_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='service',
            name='looked_at',
            field=models.DateTimeField(help_text='When it was last looked up by id.', null=True),
        ),
        migrations.AddField(
            model_name='service',
            name='read_failed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='service',
            name='read_failures',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='service',
            name='read_retry_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='service',
            name='unlisted',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='change',
            name='auto_deploy_before',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AlterField(
            model_name='deployment',
            name='commit_sha',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AlterField(
            model_name='deployment',
            name='pull_request',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AlterField(
            model_name='deployment',
            name='raw_status',
            field=models.CharField(max_length=100),
        ),
        migrations.AlterField(
            model_name='deployment',
            name='trigger',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AlterField(
            model_name='pin',
            name='auto_deploy_before',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AlterField(
            model_name='service',
            name='auto_deploy',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='deployment',
            name='environment',
            field=models.CharField(blank=True, db_default='', default='', max_length=80),
        ),
        migrations.AddField(
            model_name='deployment',
            name='deleted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='deployment',
            name='by_retention',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='deployment',
            name='expires_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='deployment',
            name='checks',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='deployment',
            name='alias_error',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
        migrations.AddField(
            model_name='service',
            name='suspended_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=120),
        ),
        migrations.AddField(
            model_name='service',
            name='maintenance',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='service',
            name='environment',
            field=models.CharField(blank=True, db_default='', default='', max_length=80),
        ),
        migrations.AddField(
            model_name='service',
            name='history_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='service',
            name='domain_targets',
            field=models.JSONField(null=True),
        ),
        migrations.CreateModel(
            name='OutsideAct',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('went_live', 'deployment went live'), ('rolled_back', 'rollback'), ('promoted', 'promotion'), ('domains', 'domains moved'), ('auto_deploy', 'automatic deploys changed'), ('environment', 'environment variables changed'), ('service', 'service changed')], max_length=20)),
                ('identity', models.CharField(max_length=400)),
                ('event_id', models.CharField(max_length=100, null=True)),
                ('target', models.CharField(blank=True, max_length=100)),
                ('before', models.CharField(blank=True, max_length=100)),
                ('reason', models.CharField(blank=True, max_length=100)),
                ('actor', models.CharField(blank=True, max_length=200)),
                ('happened_at', models.DateTimeField(null=True)),
                ('learned_at', models.DateTimeField()),
                ('change', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='deployments.change')),
                ('pin', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='deployments.pin')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='outside_acts', to='deployments.service')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(fields=('service', 'identity'), name='one_act_per_identity'), models.UniqueConstraint(fields=('service', 'event_id'), name='one_act_per_event')],
            },
        ),
        migrations.AddField(
            model_name='service',
            name='served_window',
            field=models.JSONField(help_text='How the checks of the last minutes went.', null=True),
        ),
        migrations.AddField(
            model_name='service',
            name='rolling_release',
            field=models.JSONField(help_text='The active one (Vercel).', null=True),
        ),
        migrations.RunSQL(CHECK_TRANSITIONS, CHECK_TRANSITIONS_BEFORE),
    ]
