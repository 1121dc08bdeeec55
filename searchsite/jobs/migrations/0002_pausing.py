import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='StagePause',
            fields=[
                ('kind', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('by', models.CharField(blank=True, help_text='Who paused it', max_length=150)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'db_table': 'stage_pause',
                'verbose_name': 'pause of a stage',
                'verbose_name_plural': 'pauses of stages',
            },
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state', 'done')), fields=['finished_at', 'kind'], name='job_done'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state__in', ['dead', 'cancelled'])), fields=['finished_at'], name='job_failed'),
        ),
    ]
