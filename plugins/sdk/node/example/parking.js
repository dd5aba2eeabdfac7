#!/usr/bin/env node
'use strict'
// A whole plugin: enough parking spaces for the floor area, and a site plan.
const { serve, pass, fail, needsMaterials, human, say, decimal } = require('..')

const PER_SPACE = decimal('100') // one space for each 100 m² or part of them

serve({
  name: 'parking-js',
  version: '1.0.0',
  department: 'urban',
  checks: [{
    id: 'spaces',
    clauses: ['URBAN-PARK-01'],
    facts: ['floor_area', 'parking_spaces'],
    selfTest: {
      given: { day: '2026-03-02', facts: [{ key: 'floor_area', number: '250.5' }, { key: 'parking_spaces', integer: 3 }] },
      want: [pass('URBAN-PARK-01', { used: { facts: ['floor_area', 'parking_spaces'] } })]
    },
    run (c) {
      const need = (c.number('floor_area') + PER_SPACE - 1n) / PER_SPACE
      const have = c.int('parking_spaces')
      if (have >= need) return [pass('URBAN-PARK-01')]
      return [fail('URBAN-PARK-01', 'TOO_FEW_SPACES', {
        message: say('spaces.too_few', { need, have }),
        basis: [{ law: '宁波市停车场规划建设和管理条例', article: '第十二条' }]
      })]
    }
  }, {
    id: 'plan',
    clauses: ['URBAN-PARK-02'],
    contents: ['site-plan'],
    async run (c) {
      if (!c.material('site-plan')) return [needsMaterials('URBAN-PARK-02', 'site-plan')]
      const text = (await c.content('site-plan')).toString()
      return [human('URBAN-PARK-02', 'PLAN_READ', { message: say('plan.read', { spaces: text.split('P').length - 1 }) })]
    }
  }]
})
